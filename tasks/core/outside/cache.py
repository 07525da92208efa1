"""This machine's cache: what can be fetched or made again, each under the digest of its content.

Several runs and processes share it. Whoever uses an entry marks it as used, so that `make prune`
removes what was not used for long.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.core.errors import ResourceError

# Entries in the making bear this in front of their names.
UNFINISHED = ".copy-"


def cache_root() -> Path:
    """Folder of the cache: ``ORRERY_CACHE``, else one in the folder for temporary files."""
    return Path(
        os.environ.get("ORRERY_CACHE") or f"{tempfile.gettempdir()}/orrery-cache-{os.getuid()}"
    )


def cache_entry(kind: str, digest: str) -> Path:
    """Return the path of an entry, below a folder that is there, and mark the entry as used.

    Args:
        kind: Folder that it shares with its like.
        digest: Its name, at least 16 hexadecimal digits.

    Raises:
        ResourceError: Somebody else could have put files into the cache.
    """
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = root.lstat()
    is_open = not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022
    if not os.environ.get("ORRERY_CACHE") and (found.st_uid != os.getuid() or is_open):
        raise ResourceError(
            f"{root}: others could put files there; remove it, or name another as ORRERY_CACHE"
        )
    entry = root / kind / digest
    entry.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(OSError):  # there is none yet, or it can't be written to
        os.utime(entry)
    return entry


@contextmanager
def filled(entry: Path) -> Iterator[Path]:
    """Make an entry that is a folder: it appears whole, and one that another made first stays.

    Args:
        entry: Its path, from `cache_entry`.

    Yields:
        An empty folder for what it is to hold.
    """
    with tempfile.TemporaryDirectory(
        prefix=UNFINISHED, dir=entry.parent, ignore_cleanup_errors=True
    ) as aside:
        folder = Path(aside) / "entry"
        folder.mkdir()
        yield folder
        try:
            folder.rename(entry)
        except OSError:
            if not entry.exists():  # else another process was first, with the same content
                raise
