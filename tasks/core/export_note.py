"""The note that an export leaves in the user's folder: what it wrote there, and from what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field, ValidationError

from tasks.core.errors import ConfigError, DataError
from tasks.core.files import read_bytes, shown, whole_file
from tasks.core.records import FileRef, Record

NOTE = "orrery_export.json"
MAX_NOTE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Earlier:
    """A file that an earlier export wrote, by its name; it may get another one."""

    name: str


# Where a file comes from: this disk, the store, or the folder itself.
Source = Path | FileRef | Earlier


@dataclass(frozen=True)
class Standing:
    """What earlier exports wrote into a folder, and is there.

    Attributes:
        refs: Digest and size of each file by its name.
        load: Gives the bytes of one.
        advice: Ends the message of an error.
    """

    refs: Mapping[str, FileRef]
    load: Callable[[str], bytes | None]
    advice: str = ""

    def read(self, name: str) -> bytes | None:
        """Bytes of a small file as it was exported; None where there is none.

        Raises:
            ConfigError: It was changed since.
        """
        data = self.load(name) if name in self.refs else None
        if data is not None and hashlib.sha256(data).hexdigest() != self.refs[name].sha256:
            raise ConfigError(f"{name} was changed after it was exported; {self.advice}")
        return data


class Note(Record):
    """What an export wrote, and from what.

    Attributes:
        format: Says what the file is.
        maker: Stage that exported.
        made_from: Digests of the results that it was made from.
        same: What a later export must agree in.
        written: When.
        files: What was written, by paths inside the folder.
        unfinished: While a run writes, and after a kill: what it set out to write.
        versions: By what the disk or the object store knows each of the files.
    """

    schema_id = "core.export_note/1"

    format: Literal["orrery.export/1"] = "orrery.export/1"
    maker: str
    made_from: tuple[str, ...]
    same: dict[str, str | int]
    written: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(" ", "seconds"))
    files: tuple[FileRef, ...] = ()
    unfinished: tuple[FileRef, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)

    def digests(self) -> dict[str, set[str]]:
        """Digests by which a file is known for ours, by its path."""
        found: dict[str, set[str]] = {}
        for ref in (*self.files, *self.unfinished):
            found.setdefault(ref.uri, set()).add(ref.sha256)
        return found

    def planning(self, files: Iterable[FileRef]) -> Note:
        """The note of a run that sets out to write files on top of what is there."""
        plan = {(ref.uri, ref.sha256): ref for ref in (*self.unfinished, *files)}
        return self.model_copy(update={"unfinished": tuple(plan.values())})

    def holding(self, files: Iterable[FileRef], versions: Mapping[str, str] | None = None) -> Note:
        """The note of a run that is done."""
        files = tuple(sorted(files, key=lambda ref: ref.uri))
        found = {"files": files, "unfinished": (), "versions": dict(versions or {})}
        return self.model_copy(update=found)

    def write(self, folder: Path) -> None:
        """Put it into the folder; it appears whole."""
        with whole_file(folder / NOTE) as partial:
            partial.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What stands in its file."""
        return f"{self.model_dump_json(indent=2)}\n".encode()


def is_name(name: str) -> bool:
    """Whether a file may be exported under a name: a path inside the folder, and not hidden."""
    path = PurePosixPath(name)
    is_inside = path.parts and not path.is_absolute() and ".." not in path.parts
    return bool(is_inside) and str(path) == name and path.name[:1] != "." and name != NOTE


def read_note(folder: Path, own: Note, advice: str) -> Note:
    """Read the note of the export that is to be gone on with.

    Args:
        folder: The user's folder.
        own: Note of the export that wants to; it holds no files yet.
        advice: Ends the message of an error.

    Returns:
        The note; ``own`` where there is none.

    Raises:
        ConfigError: It is not a note, or that of an export that ``own`` doesn't go on with.
    """
    path = folder / NOTE
    try:
        what = "the note of an export"
        data = read_bytes(path, MAX_NOTE_BYTES, what) if path.exists() else None
    except DataError as error:
        raise ConfigError(f"{path} is not {what}; {advice}") from error
    return parse_note(data, str(path), str(folder), own, advice)


def parse_note(data: bytes | None, path: str, folder: str, own: Note, advice: str) -> Note:
    """Understand the note of a folder, wherever that is; see `read_note`.

    Args:
        data: What stands in its file; None where there is none.
        path: Its address, for messages.
        folder: That of the folder.
        own: As there.
        advice: As there.
    """
    if data is None:
        return own
    try:
        note = Note.model_validate_json(data)
        odd = [name for name in note.digests() if not is_name(name)]
    except ValidationError as error:
        raise ConfigError(f"{path} is not the note of an export; {advice}") from error
    if odd:
        raise ConfigError(
            f"{path} is not the note of an export: it names {shown(odd[0])[:100]!r}, which does "
            f"not lie inside; {advice}"
        )
    found = {"maker": note.maker, **note.same}
    for name, value in {"maker": own.maker, **own.same}.items():
        if found.get(name) != value:
            raise ConfigError(
                f"{folder} holds an export whose {name} is {found.get(name)!r}, this one's is "
                f"{value!r}; {advice}"
            )
    return note
