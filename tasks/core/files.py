"""Files that appear whole or not at all, are read within limits, and whose disk is told from them.

A name can stand for a device that never ends, a pipe that nobody writes to, or a file larger than
memory. Each is told before anything is read. What a file holds is checked by `tasks.intake`.
What a full or failing disk did is never the fault of the data: `disk_fault` finds out.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.errors import ConfigError, DataError, NotWritableError, TransientError

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
_MAX_PATH_BYTES = 4096
_CHUNK = 65_536
_MAX_SHOWN = 500
_PART = re.compile(r"(.*[^/:]):(\w+)", re.DOTALL)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def whole_file(target: Path, *, is_new: bool = False, is_flushed: bool = True) -> Iterator[Path]:
    """Yield a path to write a file's bytes to; the file then appears whole.

    A block that raises, or is killed, leaves what was there.

    Args:
        target: The file; its folder is made if need be.
        is_new: Whether it must not exist yet.
        is_flushed: Whether it outlives a power cut.

    Raises:
        FileExistsError: It must not exist, and does by the end of the block.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        yield partial
        if is_flushed:
            flush(partial)
        if is_new:
            target.hardlink_to(partial)
        else:
            partial.replace(target)
        if is_flushed:
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
        folders: What was to be written; if the disk of one is full or read-only, that is why.
        num_bytes: How much was to be written, where it is known.
    """
    found = next((each for each in _chain(error) if _number(each) in _FAULTS), None)
    number, named = _number(found), getattr(found, "filename", None)
    # Some libraries say it in words alone.
    is_read_only = not isinstance(error, OSError) and any(map(_is_read_only, folders))
    if number == errno.EROFS or is_read_only:
        return NotWritableError(f"{where}: the disk is read-only ({found or error}); {advice}")
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


def _is_read_only(folder: Path) -> bool:
    with suppress(OSError):
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    return False


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


def read_bytes(path: Path, max_bytes: int, what: str) -> bytes:
    """Read a file whole.

    Args:
        path: The file.
        max_bytes: Size above which it is refused, unread.
        what: What it should be, for messages, e.g. ``a genotype as JSON``.

    Raises:
        DataError: It is missing, unreadable, no plain file, or larger.
    """
    try:
        # a pipe without a writer would keep us waiting
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check_plain(found, path, what)
            _check_size(found.st_size, max_bytes, path, what)
            data = file.read(found.st_size + 1)
            while len(data) <= max_bytes and (more := file.read(_CHUNK)):
                data += more  # it grows, or is one of /proc's, which say that they are empty
    except (OSError, ValueError) as error:  # ValueError: a name that holds a zero byte
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{shown(path)}: expected {what}, can't read it: {reason}") from error
    _check_size(len(data), max_bytes, path, what)
    return data


def read_text(path: Path, max_bytes: int, what: str) -> str:
    """Read a file as UTF-8; see `read_bytes`.

    Raises:
        DataError: As there, or it is no UTF-8.
    """
    try:
        return read_bytes(path, max_bytes, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(path)}: expected {what}, got no UTF-8: {error}") from error


def user_path(text: str, setting: str) -> Path:
    """The absolute path that a setting names; ``~`` is the user's home.

    Raises:
        ConfigError: No file system can have such a path, or nobody is called so.
    """
    try:
        path = Path(text).expanduser().absolute()
        if "\0" not in text and len(os.fsencode(path)) < _MAX_PATH_BYTES:
            path.exists()
            return path
        reason = f"expected at most {_MAX_PATH_BYTES} bytes, none of them 0"
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    raise ConfigError(f"{setting}: {shown(text)[:100]!r} can't be a path: {reason}; correct it")


def split_part(place: str) -> tuple[str, str]:
    """What a setting names: a file, and behind a colon which part of it; empty for the whole."""
    found = _PART.fullmatch(place)
    return (found[1], found[2]) if found else (place, "")


def shown(path: Path | str) -> str:
    """A path as text for records and messages: what is no UTF-8 is escaped, the middle cut."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MAX_SHOWN else f"{text[:200]}…{text[-100:]}"


def _check_plain(found: os.stat_result, path: Path, what: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no plain file")
        raise DataError(f"{shown(path)}: expected {what}, got {kind}; name a plain file")


def _check_size(num_bytes: int, max_bytes: int, path: Path, what: str) -> None:
    if num_bytes > max_bytes:
        raise DataError(
            f"{shown(path)}: expected {what} of at most {max_bytes:,} bytes, got "
            f"{num_bytes:,} or more; check that it is the right file"
        )
