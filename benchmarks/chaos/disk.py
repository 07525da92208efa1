"""A small disk of its own for the store, which can be full, read-only or slow; needs root."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SIZE_MB: Final = 128
_STALL_S, _BREATH_S = 4.0, 1.0
_CHUNKS = (bytes(1 << 16), bytes(1 << 9))


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of `SIZE_MB`; yields where.

    Args:
        folder: Folder for its image and its mount point.

    Raises:
        subprocess.CalledProcessError: This user may not mount.
    """
    place, image = folder / "disk", folder / "disk.img"
    place.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(SIZE_MB << 20)
    _run("mkfs.ext4", "-q", "-m", "0", str(image))
    _run("mount", "-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        _run("umount", "--lazy", str(place))
        image.unlink()


def can_mount(folder: Path) -> bool:
    """Whether this user may mount a disk.

    Args:
        folder: Folder to try it in.
    """
    try:
        with small_disk(folder):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def fill(place: Path, seconds: float) -> None:
    """Fill a disk for some seconds."""
    ballast = place / "ballast"
    for chunk in _CHUNKS:
        with suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(chunk)
    time.sleep(seconds)
    ballast.unlink()


def hold(place: Path, seconds: float) -> None:
    """Let a disk be read-only for some seconds."""
    _run("mount", "--bind", str(place), str(place))
    _run("mount", "-o", "remount,bind,ro", str(place))
    time.sleep(seconds)
    _run("umount", "--lazy", str(place))


def stall(place: Path, seconds: float) -> None:
    """Let all writes to a disk wait, most of the time for some seconds."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        _run("fsfreeze", "--freeze", str(place))
        try:
            time.sleep(_STALL_S)
        finally:
            _run("fsfreeze", "--unfreeze", str(place))
        time.sleep(_BREATH_S)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
