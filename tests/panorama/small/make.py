"""Captures for small runs: photos of a textured sphere, with their rig."""

from __future__ import annotations

from pathlib import Path

from tests.support.panorama.captures import write_capture


def make(folder: Path, *, is_grown: bool) -> None:
    """Write one capture; in the grown archive there are two."""
    for name in ("first", "second")[: 1 + is_grown]:
        if not (folder / "captures" / name).exists():
            write_capture(folder / "captures" / name, sphere_px=512 if name == "first" else 480)
