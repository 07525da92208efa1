"""The user's folder that holds a copy of a data set.

One run writes at a time. Files appear whole. A note lists what was written: what is not in it
belongs to somebody else, and is neither overwritten nor removed.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, ResourceError, TransientError
from tasks.core.records import FileRef

_LOG = logging.getLogger(__name__)
NOTE, LOCK = "dataset.json", ".orrery-lock"
_INCOMING = ".orrery-incoming-"
_STALE_S = 900.0  # a writer on another machine that gave no sign for so long is gone


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Hold a folder's lock, so that no other run writes it.

    A lock counts as left behind where its process, on this machine, is gone, or, on another one,
    gave no sign for 15 minutes.

    Raises:
        TransientError: Another run holds it; says which.
        ResourceError: The folder can't be written.
    """
    path, name = folder / LOCK, _own_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _take(path, name):
            held = _read(path)
            if not _is_stale(path, held):
                raise TransientError(
                    f"another run is writing {folder} (process and machine: {held or 'unknown'}): "
                    "wait for its end, or choose another folder (publish.export_to)"
                )
            _LOG.warning("taking over the lock that a run left in %s: %s", folder, held)
            if not (_remove_stale(path, held) and _take(path, name)):
                raise TransientError(f"another run is writing {folder}: it took the lock just now")
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield Lock(path)
    finally:
        if _read(path) == name:
            path.unlink(missing_ok=True)


class Lock:
    """A lock that is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def renew(self) -> None:
        """Give a sign of life."""
        with suppress(FileNotFoundError):
            os.utime(self._path)


def copy_dataset(
    folder: Path, files: Mapping[str, Path], refs: Mapping[str, FileRef], about: Mapping[str, Any]
) -> None:
    """Copy a data set into a user's folder.

    Args:
        folder: The user's folder; it need not exist.
        files: What to copy, by its path inside the folder.
        refs: The same files' digests.
        about: ``row_schema``, ``recipe_digest``, ``root_seed`` and what else the note says.

    Raises:
        ConfigError: The folder holds another data set, one of another schema version, or
            somebody else's file where one of ours should go; nothing was changed.
        TransientError: Another run is writing the folder.
        ResourceError: The folder can't be written.
    """
    with locked(folder) as lock:
        noted = _note(folder, about)
        _check_free(folder, refs, noted)
        try:
            _tidy(folder)
            for name, source in files.items():
                lock.renew()
                target = folder / name
                if not (target.is_file() and file_digest(target) == refs[name].sha256):
                    _copy(source, target)
            for name in noted.keys() - files.keys():  # of a smaller or older copy of ours
                if (folder / name).is_file() and file_digest(folder / name) == noted[name]:
                    (folder / name).unlink()
            listed = {name: ref.sha256 for name, ref in sorted(refs.items())}
            _write(folder / NOTE, json.dumps({**about, "files": listed}, indent=2) + "\n")
        except OSError as error:
            raise _unwritable(folder, error) from error


def _note(folder: Path, about: Mapping[str, Any]) -> dict[str, str]:
    """Files of an earlier copy of the same data set, with their digests."""
    path = folder / NOTE
    if not path.exists():
        return {}
    try:
        note = json.loads(path.read_text("utf-8"))
        noted = {str(name): str(sha256) for name, sha256 in note["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} is not the note of a data set: choose another folder (publish.export_to)"
        ) from error
    for name, what in (
        ("row_schema", "of the schema version"),
        ("recipe_digest", "of the recipe"),
        ("root_seed", "of the root seed"),
    ):
        if note.get(name) != about[name]:
            raise ConfigError(
                f"{folder} holds a data set {what} {note.get(name)!r}, this one is "
                f"{about[name]!r}: choose another folder (publish.export_to), or move that one away"
            )
    return noted


def _check_free(folder: Path, refs: Mapping[str, FileRef], noted: Mapping[str, str]) -> None:
    for name, ref in refs.items():
        path = folder / name
        if not path.exists():
            continue
        found = file_digest(path) if path.is_file() else ""
        if found not in (ref.sha256, noted.get(name)):
            raise ConfigError(
                f"{path} is not a file that this pipeline wrote there, or was changed since: move "
                "it away, or choose another folder (publish.export_to); nothing was changed"
            )


def _tidy(folder: Path) -> None:
    """Remove what a killed copy left."""
    for path in folder.rglob(f"{_INCOMING}*"):
        path.unlink()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming = target.parent / f"{_INCOMING}{uuid.uuid4().hex}"
    try:
        shutil.copyfile(source, incoming)
        _flush(incoming)
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)


def _write(target: Path, text: str) -> None:
    incoming = target.parent / f"{_INCOMING}{uuid.uuid4().hex}"
    try:
        incoming.write_text(text, "utf-8")
        _flush(incoming)
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _take(path: Path, name: str) -> bool:
    """Create the lock with its content at once; False if there is one."""
    draft = path.with_name(f"{_INCOMING}{uuid.uuid4().hex}")
    draft.write_text(name, "utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _remove_stale(path: Path, held: str) -> bool:
    """Take a stale lock away; of two that try, one succeeds."""
    aside = path.with_name(f"{_INCOMING}{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    is_it = _read(aside) == held
    if not is_it:  # somebody else was faster and holds it now: give it back
        with suppress(FileExistsError):
            os.link(aside, path)
    aside.unlink()
    return is_it


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""


def _own_name() -> str:
    """Machine, process and when it began, since numbers of processes come again."""
    begun_s = psutil.Process().create_time()
    return f"{socket.gethostname()} {os.getpid()} {begun_s:.2f} {uuid.uuid4().hex}"


def _is_stale(path: Path, held: str) -> bool:
    host, pid, begun_s, *_ = [*held.split(), "", "", ""]
    if host == socket.gethostname() and pid.isdigit():
        try:
            return f"{psutil.Process(int(pid)).create_time():.2f}" != begun_s
        except psutil.NoSuchProcess:
            return True
    try:
        return time.time() - path.stat().st_mtime > _STALE_S
    except FileNotFoundError:
        return True


def _unwritable(folder: Path, error: OSError) -> ResourceError:
    return ResourceError(
        f"can't write {folder} ({error.strerror or error}): free space or choose another folder "
        "(publish.export_to)"
    )
