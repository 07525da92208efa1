"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tasks.core.errors import ResourceError


def export_files(files: Mapping[str, Path], folder: Path, setting: str) -> None:
    """Copy files into a folder of the user's under their names; each appears whole.

    Args:
        files: Local files by name.
        folder: Where to.
        setting: The setting that names the folder, for the message.

    Raises:
        ResourceError: The folder can't be written.
    """
    for name, source in files.items():
        try:
            copy_whole(source, folder / name)
        except OSError as error:
            raise ResourceError(
                f"{folder / name}: could not export ({error.strerror}); choose a writable folder "
                f"with free space as {setting}, or leave it empty"
            ) from error


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file for people to read; its folder is made if need be.

    Raises:
        OSError: The target can't be written; what was there is as it was.
    """
    with whole_file(target) as partial:
        shutil.copyfile(source, partial)


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
    partial = target.with_name(f".{uuid.uuid4().hex}")
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
