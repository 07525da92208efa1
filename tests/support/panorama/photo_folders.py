"""Folders of photos that are named, but hold nothing."""

from __future__ import annotations

from pathlib import Path


def touch(*paths: Path) -> None:
    """Make files, with their folders."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def photos(folder: Path, *names: str) -> Path:
    """Make photos in a folder, two if none is named; returns the folder."""
    touch(*(folder / name for name in names or ("a.jpg", "b.JPG")))
    return folder
