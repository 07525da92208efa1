"""The lock of a folder that several machines may share.

Its holder gives a sign of life three times in `LEASE_S`. Where its process is gone, or no sign
was seen for `LEASE_S`, the lock is taken over. A run that finds it held waits a little longer
than that before it gives up: only so long a look tells a holder that works on another machine
from a dead one.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

from tasks.core.errors import DataError, ResourceError, TransientError
from tasks.core.files import disk_fault, read_text

LOCK = ".orrery-lock"
HOLDER = f"{LOCK}-holder"
LEASE_S = 60.0
_MAX_HOLDER_BYTES = 1000


@contextmanager
def locked(folder: Path, by: str, setting: str) -> Iterator[Callable[[], None]]:
    """Make a folder, and hold its lock while it is written.

    Args:
        folder: The user's folder.
        by: Who writes, for those that wait.
        setting: The setting that names the folder, for messages.

    Yields:
        A function that raises `TransientError` once the lock was lost to another run, as can
        happen to a process that was stopped for long.

    Raises:
        NotWritableError: Its disk is full or read-only, which may show only inside.
        ResourceError: The folder can't be written, which may show only inside.
        TransientError: Another run holds the lock; says which one, and since when.
    """
    lease, holder = SoftFileLease(folder / LOCK, lease_duration=LEASE_S), folder / HOLDER

    def check() -> None:
        if lease.compromise is not None:
            raise TransientError(f"the lock of {folder} was lost: {lease.compromise.reason}")

    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder", str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        _acquire(lease, folder / LOCK)
        try:
            holder.unlink(missing_ok=True)  # it may be a link to elsewhere
            with holder.open("x", encoding="utf-8") as file:
                file.write(f"{by}, {_this_process()}")
            yield check
        finally:
            if lease.compromise is None:
                holder.unlink(missing_ok=True)
            lease.release()
    except (Timeout, LeaseSettingsMismatch) as error:
        said = f"process {lease.pid}"
        with suppress(DataError):
            said = read_text(holder, _MAX_HOLDER_BYTES, "the holder of a lock")
        raise TransientError(
            f"another run is writing {folder} ({said}): wait for its end, or choose another "
            f"folder as {setting}"
        ) from error
    except OSError as error:
        advice = f"choose a writable folder with free space as {setting}, or leave it empty"
        if fault := disk_fault(error, str(folder), advice, folder):
            raise fault from error
        raise ResourceError(f"{folder}: could not export ({error}); {advice}") from error


def _acquire(lease: SoftFileLease, path: Path) -> None:
    sign = _sign_of_life(path)
    try:
        lease.acquire(timeout=LEASE_S * 1.2, poll_interval=LEASE_S / 100)
    except Timeout:
        # filelock leaves a silent lock where a file system can't exchange two names: NFS, SMB.
        if sign is None or _sign_of_life(path) != sign:
            raise
        _set_aside(path, sign)
        lease.acquire(timeout=LEASE_S / 100)


def _sign_of_life(path: Path) -> tuple[int, int] | None:
    """What changes when the holder does, or when it says that it lives."""
    try:
        with path.open("rb") as file:  # to open it is what makes NFS ask the server
            found = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _set_aside(path: Path, sign: tuple[int, int]) -> None:
    """Remove a silent lock; of several runs that try, one meets it and the others give back."""
    aside = path.with_name(f"{LOCK}-{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _sign_of_life(aside) != sign:
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def _this_process() -> str:
    now = datetime.now(UTC).isoformat(" ", "seconds")
    return f"process {os.getpid()} on {os.uname().nodename}, since {now}"
