"""Files that appear whole or not at all, and what is their disk's fault and not the data's."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.errors import NotWritableError, TransientError

PARTIAL = ".partial-"  # how names of files begin that are not whole yet

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOST = {
    *(errno.EIO, errno.EREMOTEIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.ENOTCONN),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENOLINK),
    *(errno.EMFILE, errno.ENFILE),
}
# A disk with less counts as full: what failed to write may have taken its last bytes back.
_FULL_BYTES = 64 * 1024
_FAULTS = {errno.EROFS, *_FULL, *_LOST}


@contextmanager
def whole_file(target: Path, *, is_new: bool = False) -> Iterator[Path]:
    """Yield a path to write a file's bytes to; the file then appears whole, flushed to the disk.

    A block that raises, or is killed, leaves what was there.

    Args:
        target: The file; its folder is made if need be.
        is_new: Whether it must not exist yet.

    Raises:
        FileExistsError: It must not exist, and does by the end of the block.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        yield partial
        flush(partial)
        if is_new:
            target.hardlink_to(partial)
        else:
            partial.replace(target)
        flush(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Make a file or folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_fault(
    error: BaseException, where: str, advice: str, *folders: Path, num_bytes: int = 0
) -> TransientError | None:
    """Return what a disk did wrong if an error comes from that; None if it does not.

    Libraries translate: what they can't read or write comes as an error of the data, or as one
    that names no reason. So the errors before it are looked at, and the disks.

    Args:
        error: The error.
        where: What was written or read, for the message.
        advice: What to do where a disk is full or read-only.
        folders: What may have been written to; if the disk of one is full, that is the reason.
        num_bytes: How much was to be written, where it is known.
    """
    found = next((each for each in _chain(error) if _number(each) in _FAULTS), None)
    number, named = _number(found), getattr(found, "filename", None)
    if number == errno.EROFS:
        return NotWritableError(f"{where}: the disk is read-only ({found}); {advice}")
    full = [folder for folder in folders if _free_bytes(folder) < _FULL_BYTES]
    if number in _FULL or full:
        places = [Path(named)] if isinstance(named, str) else [*full, *folders]
        room = _room(places, num_bytes)
        return NotWritableError(f"no space left while writing {where}{room} ({error}); {advice}")
    if number in _LOST:
        return TransientError(
            f"{where}: a disk or its server failed ({found}); where it stays so, replace the file"
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from, the last first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException | None) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _free_bytes(folder: Path) -> float:
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return float("inf")


def _room(places: Sequence[Path], num_bytes: int) -> str:
    """How much is free at the first place, and how much was needed, as far as it is known."""
    needed = f", {num_bytes / 1e6:,.1f} MB needed" if num_bytes else ""
    if not places:
        return needed
    place = next(each for each in (places[0], *places[0].absolute().parents) if each.exists())
    return f": {_free_bytes(place) / 1e6:,.1f} MB free at {place}{needed}"
