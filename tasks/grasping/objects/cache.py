"""Files that a machine makes once: in a cache, whole or not at all, whoever comes first."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tasks.core.files import whole_file


def cache_folder(*parts: str) -> Path:
    """Return a folder of this machine's cache and make it if need be.

    The cache lies where ``ORRERY_CACHE`` says, else in the folder for temporary files.
    """
    root = os.environ.get("ORRERY_CACHE", f"{tempfile.gettempdir()}/orrery-cache-{os.getuid()}")
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def write_once(path: Path, text: str) -> None:
    """Write a file unless it is there; other processes see all of it or nothing."""
    if not path.exists():
        with whole_file(path) as partial:
            partial.write_text(text, "utf-8")
