"""Image sets for small runs: three colours as packed JPEGs."""

from __future__ import annotations

from pathlib import Path

from tests.support.nas.transfer_runs import packed_set


def make(folder: Path, *, is_grown: bool) -> None:
    """Write a set of 8 px and one of 16 px; the grown run uses the same ones."""
    if not is_grown:
        for side_px in (8, 16):
            packed_set(folder / f"{side_px}px", side_px)
