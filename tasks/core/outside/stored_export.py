"""An export into a folder of an object store, by the rules of `tasks.core.export`.

A store shows a file once its last byte is there, and replaces it at once, so files appear whole by
themselves. By its version the note knows a file that was changed since. A store has no locks: of
two runs that write one folder, the one whose note was written over fails, is tried again, and goes
on with what lies there.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tasks.core.errors import ConfigError, TransientError
from tasks.core.export_note import NOTE, Earlier, Note, Source, Standing, parse_note
from tasks.core.outside.stored import StoredFile, StoredFolder
from tasks.core.records import FileRef

logger = logging.getLogger(__name__)

MAX_FILES = 1_000_000


def export_stored(
    listed: Callable[[Standing], tuple[Mapping[str, Source], dict[str, FileRef]]],
    local: Callable[[Path | FileRef], Path],
    own: Note,
    uri: str,
    *,
    is_whole: bool,
    advice: str,
) -> None:
    """Copy files into a folder of a store; see `tasks.core.export.export_files`.

    Args:
        listed: Gives the files, and their digests and sizes, by their names in the folder.
        local: Gives a local path of one that is to be copied.
        own: The note of this export; it holds no files yet.
        uri: The folder.
        is_whole: Whether what an earlier export wrote, and this one has not, is removed.
        advice: Ends the message of an error.

    Raises:
        ConfigError: The folder holds other things, another export, or a file that was changed
            after it was exported; nothing was changed.
        ResourceError: The store refuses access.
        TransientError: It can't be reached, or another run is writing the folder.
    """
    folder = StoredFolder(uri.rstrip("/"))
    note = parse_note(folder.read(NOTE), f"{folder.uri}/{NOTE}", folder.uri, own, advice)
    present = folder.files(MAX_FILES)
    present.pop(NOTE, None)
    ours = {name for name in note.digests() if name in present and _is_ours(name, present, note)}
    whole = _whole(folder, ours, present, note)
    files, refs = listed(Standing(whole, folder.read, advice))
    _check(present, ours, refs, note, folder.uri, advice)
    missing = {n: each for n, each in files.items() if not _is_there(refs[n], whole.get(n))}
    plan = note.planning(refs[name] for name in missing)
    folder.write(NOTE, plan.to_bytes())
    versions = {name: present[name].version for name in ours if name not in missing}
    versions |= {n: file.version for n, file in _write(folder, present, missing, local)}
    others = sorted(ours - set(refs))
    for name in others if is_whole else ():
        folder.remove(name)
        logger.info("removed %s/%s, which an earlier export wrote", folder.uri, name)
    known = {ref.uri: ref for ref in (*note.unfinished, *note.files)}
    kept = [] if is_whole else [known[name] for name in others]
    done = own.holding([*kept, *refs.values()], versions)
    if folder.read(NOTE) != plan.to_bytes():
        raise TransientError(f"another run is writing {folder.uri}: this one goes on after it")
    folder.write(NOTE, done.to_bytes())


def _whole(
    folder: StoredFolder, ours: set[str], present: Mapping[str, StoredFile], note: Note
) -> dict[str, FileRef]:
    """Digests of what exports have written; what a killed run wrote is read for that."""
    noted, found = {ref.uri: ref for ref in note.files}, {}
    digests = note.digests()
    for name in sorted(ours):
        if note.versions.get(name) == present[name].version:
            found[name] = noted[name]
        elif (data := folder.read(name)) is not None:
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in digests[name]:
                found[name] = FileRef(uri=name, sha256=sha256, num_bytes=len(data))
    return found


def _is_there(ref: FileRef, found: FileRef | None) -> bool:
    return found is not None and found.sha256 == ref.sha256


def _write(
    folder: StoredFolder,
    present: Mapping[str, StoredFile],
    files: Mapping[str, Source],
    local: Callable[[Path | FileRef], Path],
) -> Iterator[tuple[str, StoredFile]]:
    """Write files, new ones first; what one still is to be copied from is read before it goes."""
    order = sorted(files, key=lambda name: name in present)
    last_use = {
        each.name: n for n, name in enumerate(order) if isinstance(each := files[name], Earlier)
    }
    read: dict[str, bytes] = {}
    for index, name in enumerate(order):
        if last_use.get(name, index) > index:
            read[name] = folder.read(name) or b""
        source = files[name]
        if not isinstance(source, Earlier):
            yield name, folder.write(name, local(source))
        elif source.name in read:
            yield name, folder.write(name, read.pop(source.name))
        else:
            yield name, folder.copy(source.name, name)


def _is_ours(name: str, present: Mapping[str, StoredFile], note: Note) -> bool:
    """Whether a file is as an export left it; of a run that was killed only its size is known."""
    sizes = {ref.num_bytes for ref in note.unfinished if ref.uri == name}
    return note.versions.get(name) == present[name].version or present[name].num_bytes in sizes


def _check(
    present: Mapping[str, StoredFile],
    ours: set[str],
    refs: Mapping[str, FileRef],
    note: Note,
    uri: str,
    advice: str,
) -> None:
    """Raise where something stands that is somebody else's."""
    for name in sorted(set(present) - ours):
        if name in refs:
            raise ConfigError(
                f"{uri}/{name} was not exported, or was changed since, and is not written over; "
                f"{advice}"
            )
        if not note.digests():
            raise ConfigError(
                f"{uri}/{name} was not exported, and an export needs a folder of its own; {advice}"
            )
