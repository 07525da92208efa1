"""One way into a user's folder, for every setting that is called ``export_to``.

The folder is empty at first, or holds an earlier export that this one goes on with; a folder
with anything else in it is refused. A note lists what was written and its digests: only that is
ever replaced or removed, and only while it is as it was written. What the user puts beside an
export later stays.

Files appear whole. New ones go in first; those that replace others are all copied before the
first is renamed, in the order in which they are named. The note is written before, with what is to
come, and again at the end. So a killed run or a full disk leaves what was there, and the next run
copies only what is missing. What stands there is known by its size and time, once they are noted.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.export_note import NOTE, Earlier, Note, Source, Standing, is_name, read_note
from tasks.core.files import PARTIAL, flush, whole_file
from tasks.core.folder_lock import locked
from tasks.core.outside.stored import is_stored, local_path
from tasks.core.outside.stored_export import export_stored
from tasks.core.records import FileRef

logger = logging.getLogger(__name__)

Files = Mapping[str, Source]
_SETTLED_S = 2.0  # a file that is younger may change once more without another time


@dataclass(frozen=True)
class Export:
    """What goes into the user's folder.

    Attributes:
        files: Where the files come from, by their paths inside the folder; or what says so, given
            what stands there. It is asked while no other run writes the folder.
        maker: Stage that exports, e.g. ``panorama.publish``.
        made_from: Digests of the results that it was made from; the note names them.
        same: What a later export must agree in to go on with this one, e.g. the data's name.
        is_whole: Whether the folder shall hold these files alone, so that what an earlier export
            wrote and this one has not is removed. Else it stays, and this one adds to it.
        fetch: Gives a local path of a file of the store; only what is to be copied is fetched.
    """

    files: Files | Callable[[Standing], Files]
    maker: str
    made_from: tuple[str, ...] = ()
    same: Mapping[str, str | int] = field(default_factory=dict)
    is_whole: bool = True
    fetch: Callable[[FileRef], Path] = lambda file: Path(file.uri)

    def listed(self, standing: Standing) -> tuple[Files, dict[str, FileRef]]:
        """The files and their digests, given what stands there.

        Raises:
            DataError: A file's name leads out of the folder, or is one that exports need.
        """
        files = self.files if isinstance(self.files, Mapping) else self.files(standing)
        for name in files:
            _check_name(name)
        return files, {name: _ref(each, name, standing) for name, each in files.items()}

    def local(self, source: Path | FileRef) -> Path:
        """Path of a file on this disk."""
        return source if isinstance(source, Path) else self.fetch(source)


def export_files(export: Export, export_to: str, setting: str) -> None:
    """Copy files into a folder of the user's.

    Args:
        export: The files.
        export_to: The folder, on a disk or in an object store; it need not exist.
        setting: Name of the setting that holds it, for messages.

    Raises:
        ConfigError: The folder holds other things, another export, or a file that was changed
            after it was exported; nothing was changed.
        DataError: A file's name leads out of the folder, or is one that exports need.
        ResourceError: The folder can't be written; what was there is as it was.
        TransientError: Another run is writing the folder.
    """
    own = Note(maker=export.maker, made_from=export.made_from, same=dict(export.same))
    advice = f"choose another folder as {setting}, or move that away. Nothing was changed"
    if isinstance(export.files, Mapping):
        for name in export.files:
            _check_name(name)
    if is_stored(export_to):
        listed, local, is_whole = export.listed, export.local, export.is_whole
        export_stored(listed, local, own, export_to, is_whole=is_whole, advice=advice)
        return
    folder = local_path(export_to)
    with locked(folder, export.maker, setting) as check_lock:
        note = read_note(folder, own, advice)
        noted = note.digests()
        ours = {name: noted[name] for name in noted if not _is_behind_link(folder, name)}
        files, refs = export.listed(_standing(folder, note, ours, advice))
        if not noted:
            _check_empty(folder, refs, advice)
        present = _check_ours(folder, refs, ours, note, advice)
        _tidy(folder, {*refs, *ours})
        missing = {n: each for n, each in files.items() if present.get(n) != refs[n].sha256}
        note.planning(refs[name] for name in missing).write(folder)
        _copy(folder, missing, export.local, check_lock)
        others = {name: digests for name, digests in ours.items() if name not in refs}
        if export.is_whole:
            _remove(folder, others)
        kept = () if export.is_whole else _still_ours(folder, note, others)
        versions = {name: note.versions[name] for name in others if name in note.versions}
        versions |= {name: known for name in refs if (known := _settled(folder / name))}
        own.holding([*kept, *refs.values()], versions).write(folder)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise DataError(
            f"can't export a file as {name!r}: expected a path inside the folder, without '..', "
            f"not hidden and not {NOTE}; give the item another id"
        )


def _ref(source: Source, name: str, standing: Standing) -> FileRef:
    if isinstance(source, Path):
        return FileRef(uri=name, sha256=file_digest(source), num_bytes=source.stat().st_size)
    if isinstance(source, FileRef):
        return source.model_copy(update={"uri": name})
    return standing.refs[source.name].model_copy(update={"uri": name})


def _standing(folder: Path, note: Note, ours: Mapping[str, set[str]], advice: str) -> Standing:
    """What stands there; a file that a killed run was to replace is looked at."""
    begun = {ref.uri for ref in note.unfinished}
    found = {ref.uri: ref for ref in (*note.unfinished, *note.files)}
    refs = {}
    for name in ours:
        path = folder / name
        if path.is_file() and (name not in begun or note.versions.get(name) == _version(path)):
            refs[name] = found[name]
        elif path.is_file() and (digest := file_digest(path)) in ours[name]:
            size = path.stat().st_size
            refs[name] = FileRef(uri=name, sha256=digest, num_bytes=size)
    return Standing(refs, lambda name: (folder / name).read_bytes(), advice)


def _version(path: Path) -> str:
    """What tells a file that is as it was."""
    found = path.lstat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _settled(path: Path) -> str:
    """The version of a file, for the note; empty where it is too young to be known by that."""
    is_old = time.time() - path.lstat().st_mtime > _SETTLED_S
    return _version(path) if is_old else ""


def _check_empty(folder: Path, refs: Mapping[str, FileRef], advice: str) -> None:
    """Raise where there is a file that isn't hidden; one that we'd write is looked at later."""
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for path in sorted(Path(place, each) for each in names if not each.startswith(".")):
            if path.relative_to(folder).as_posix() not in {*refs, NOTE}:
                raise ConfigError(
                    f"{path} was not exported, and an export needs a folder of its own; {advice}"
                )


def _check_ours(
    folder: Path, refs: Mapping[str, FileRef], ours: Mapping[str, set[str]], note: Note, advice: str
) -> dict[str, str]:
    """Digests of what stands where our files go; raises where it is somebody else's."""
    present = {}
    noted = {ref.uri: ref.sha256 for ref in note.files if ref.uri in ours}
    for name, ref in refs.items():
        path = folder / name
        parents = PurePosixPath(name).parents[:-1]
        taken = [p for each in parents if _is_no_folder(p := folder / each)]
        if path.is_file():
            is_noted = name in noted and note.versions.get(name) == _version(path)
            present[name] = noted[name] if is_noted else file_digest(path)
        elif os.path.lexists(path):
            taken.append(path)
        if taken or present.get(name, ref.sha256) not in {ref.sha256, *ours.get(name, ())}:
            raise ConfigError(
                f"{(taken or [path])[0]} was not exported, or was changed since, and is not "
                f"written over; {advice}"
            )
    return present


def _is_no_folder(path: Path) -> bool:
    """Whether a path stands for another thing, a link to a folder elsewhere among them."""
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _is_behind_link(folder: Path, name: str) -> bool:
    """Whether a file lies elsewhere, since somebody put a link in a folder's place."""
    return any((folder / each).is_symlink() for each in PurePosixPath(name).parents[:-1])


def _tidy(folder: Path, names: Iterable[str]) -> None:
    """Remove what a killed run had half copied."""
    for place in {folder, *((folder / name).parent for name in names)}:
        for path in place.glob(f"{PARTIAL}*"):
            path.unlink()


def _copy(
    folder: Path,
    files: Files,
    local: Callable[[Path | FileRef], Path],
    check_lock: Callable[[], None],
) -> None:
    def fill(partial: Path, source: Source) -> None:
        _fill(partial, folder / source.name if isinstance(source, Earlier) else local(source))

    there = {name: None for name in files if (folder / name).exists()}
    new = [name for name in files if name not in there]
    with ExitStack() as replaced:  # what is entered last is renamed first
        for name in (*new, *reversed(there)):
            check_lock()
            copy = whole_file(folder / name)
            if name in there:
                fill(replaced.enter_context(copy), files[name])
            else:
                with copy as partial:
                    fill(partial, files[name])
        check_lock()


def _fill(partial: Path, source: Path) -> None:
    shutil.copyfile(source, partial)
    flush(partial)  # here a disk may turn out to be full, before anything is replaced


def _still_ours(folder: Path, note: Note, names: Iterable[str]) -> Iterable[FileRef]:
    """What earlier exports wrote, those that were killed too."""
    begun = [ref for ref in note.unfinished if (folder / ref.uri).is_file()]
    whole = [ref for ref in begun if file_digest(folder / ref.uri) == ref.sha256]
    found = {ref.uri: ref for ref in (*note.files, *whole)}
    return [found[name] for name in names if name in found]


def _remove(folder: Path, files: Mapping[str, set[str]]) -> None:
    """Remove what is no longer exported, unless it was changed: then it is the user's."""
    for name, digests in files.items():
        path = folder / name
        if path.is_file() and file_digest(path) in digests:
            path.unlink()
            logger.info("removed %s, which an earlier export wrote and this one has not", path)
