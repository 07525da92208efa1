"""What servers and runs leave on this machine's disk once nobody needs it.

Folders of processes that have ended go at once, logs by their age, what was fetched or unpacked by
the time since it was last used. Results are the store's, and stay; see `operators.store.prune`.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil

from operators.owners import is_nobodys
from operators.stack.state import STATE
from tasks.core.outside.cache import UNFINISHED, cache_root

_RAY_FOLDERS = ("orrery-ray-*", f"orrery-{os.getuid()}-stack-*/ray/session_*")
# What is named otherwise is not the cache's, wherever the environment says that it lies.
_CACHED = re.compile(rf"([0-9a-f]{{16,64}}|{re.escape(UNFINISHED)}.+)(\.gone)*")
# A folder this young may belong to servers that are just being started.
_STARTING_S = 600.0


def clear(older_than: timedelta, say: Callable[[str], None], *, dry_run: bool = False) -> None:
    """Remove scratch folders and Ray's sessions that nobody uses, old logs and old copies.

    Args:
        older_than: Logs that were written to, and copies that were used, later than this ago stay.
        say: Receives a line for each kind that is removed.
        dry_run: Only say what would go.
    """
    temporary = Path(tempfile.gettempdir())
    kinds = {
        "scratch folders of processes that have ended": _scratch(temporary),
        "folders of Ray heads that have ended": _dead_sessions(temporary),
        f"logs older than {older_than.days} days": _old_logs(temporary, older_than),
        f"copies that were not used for {older_than.days} days": _unused_copies(older_than),
    }
    for what, paths in kinds.items():
        count, num_bytes = 0, 0
        for path in paths:
            count, num_bytes = count + 1, num_bytes + _size(path)
            if not dry_run:
                _remove(path)
        if count:
            how = "would remove" if dry_run else "removed"
            say(f"{how} {count} {what}, {num_bytes / 1e6:.1f} MB")


def _scratch(temporary: Path) -> Iterator[Path]:
    found = _ours(temporary.glob("orrery-*-*-*"))
    return (path for path in found if is_nobodys(path.name.removeprefix("orrery-")))


def _dead_sessions(temporary: Path) -> Iterator[Path]:
    """Folders that no live process names in its command, as all of Ray's processes do."""
    commands = "\n".join(
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    )
    for pattern in _RAY_FOLDERS:
        for path in _ours(temporary.glob(pattern)):
            if str(path) not in commands and _age_s(path) > _STARTING_S:
                yield path


def _old_logs(temporary: Path, older_than: timedelta) -> Iterator[Path]:
    places = [STATE / "logs", STATE / "airflow" / "logs"]
    places += _ours(temporary.glob(f"orrery-{os.getuid()}-stack-*/ray/session_*/logs"))
    for place in places:
        for folder, folders, files in os.walk(place):
            empty = [] if folders or files or folder == str(place) else [folder]
            for path in (Path(folder, name) for name in (*files, *empty)):
                if _age_s(path) > older_than.total_seconds():
                    yield path


def _unused_copies(older_than: timedelta) -> Iterator[Path]:
    """Entries of the cache; each can be fetched, or made, again."""
    for path in _ours(cache_root().glob("*/*")):
        if _CACHED.fullmatch(path.name) and _age_s(path) > older_than.total_seconds():
            yield path


def _ours(paths: Iterable[Path]) -> list[Path]:
    """Folders of this user; a link is none, wherever it leads."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):  # it has just gone, as others may anywhere here
            told = path.lstat()
            if stat.S_ISDIR(told.st_mode) and told.st_uid == os.getuid():
                found.append(path)
    return found


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f"{path.name}.gone")  # a half of a copy would pass for a whole one
    with suppress(OSError):
        path.rename(gone)
        shutil.rmtree(gone)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    found = [path] + [Path(at, name) for at, _, names in os.walk(path) for name in names]
    num_bytes = 0
    for each in found:
        with suppress(FileNotFoundError):
            num_bytes += 0 if each.is_dir() else each.lstat().st_size
    return num_bytes
