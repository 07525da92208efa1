"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
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
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        shutil.copyfile(source, name)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
