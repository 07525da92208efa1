"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"  # how names of files begin that are not whole yet


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
