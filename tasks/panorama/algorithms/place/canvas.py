"""Rectangles of the panorama picture, and how it is cropped to what the cameras saw.

A panorama closes on itself, so a rectangle is kept *unrolled*: its columns may run below 0 or
past the panorama's width, and column ``x`` shows the same as column ``x + width``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tasks.panorama.types import BoolArray, IntArray

ValueT = TypeVar("ValueT", bound=np.generic)


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels, unrolled.

    Attributes:
        left_px: First column.
        top_px: First row.
        width_px: Number of columns.
        height_px: Number of rows.
    """

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @property
    def right_px(self) -> int:
        """First column after the box."""
        return self.left_px + self.width_px

    @property
    def bottom_px(self) -> int:
        """First row after the box."""
        return self.top_px + self.height_px

    def grown(self, margin_px: int) -> Box:
        """Return the box with a margin on all sides."""
        return Box(
            self.left_px - margin_px,
            self.top_px - margin_px,
            self.width_px + 2 * margin_px,
            self.height_px + 2 * margin_px,
        )

    def shifted(self, columns_px: int, rows_px: int = 0) -> Box:
        """Return the box moved to the right and down."""
        return replace(self, left_px=self.left_px + columns_px, top_px=self.top_px + rows_px)

    def clipped(self, other: Box) -> Box:
        """Return what both boxes share; its width or height is 0 if they share nothing."""
        left, top = max(self.left_px, other.left_px), max(self.top_px, other.top_px)
        right = min(self.right_px, other.right_px)
        bottom = min(self.bottom_px, other.bottom_px)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def aligned(self, multiple: int) -> Box:
        """Return the smallest box around this one whose edges are multiples of a number."""
        left, top = self.left_px // multiple * multiple, self.top_px // multiple * multiple
        right = -(-self.right_px // multiple) * multiple
        bottom = -(-self.bottom_px // multiple) * multiple
        return Box(left, top, right - left, bottom - top)

    def slices(self, origin: Box) -> tuple[slice, slice]:
        """Return (rows, columns) of this box within an array that holds the box `origin`."""
        top, left = self.top_px - origin.top_px, self.left_px - origin.left_px
        return slice(top, top + self.height_px), slice(left, left + self.width_px)


def whole(width_px: int) -> Box:
    """Return the box of a whole panorama, ``width_px / 2`` high."""
    return Box(0, 0, width_px, width_px // 2)


def columns_of(box: Box, width_px: int) -> IntArray:
    """Return the panorama columns, 0 to ``width_px - 1``, that the box's columns show."""
    return np.arange(box.left_px, box.right_px) % width_px


def cut_out(
    array: npt.NDArray[ValueT], box: Box, window: Box, width_px: int
) -> npt.NDArray[ValueT]:
    """Cut a window out of an array that holds a box of the panorama.

    Args:
        array: (box height, box width).
        box: Where the array lies, unrolled.
        window: What is wanted, unrolled, in any turn.
        width_px: Width of the panorama.

    Returns:
        (window height, window width); 0 outside the box.
    """
    result = np.zeros((window.height_px, window.width_px), array.dtype)
    first = (window.left_px - box.right_px) // width_px + 1
    last = -((box.left_px - window.right_px) // width_px) - 1
    for turn in range(first, last + 1):
        turned = box.shifted(turn * width_px)
        shared = turned.clipped(window)
        result[shared.slices(window)] = array[shared.slices(turned)]
    return result


def bounding_box(occupied: BoolArray) -> Box | None:
    """Return the box around the True pixels of an array, None if there are none."""
    rows = np.flatnonzero(occupied.any(axis=1))
    columns = np.flatnonzero(occupied.any(axis=0))
    if not len(rows):
        return None
    return Box(
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0] + 1),
        int(rows[-1] - rows[0] + 1),
    )


def circular_range(occupied: BoolArray) -> tuple[int, int]:
    """Return (start, length) of the shortest circular run that holds all True entries.

    Args:
        occupied: (n,) of which at least one is True.
    """
    if occupied.all():
        return 0, len(occupied)
    places = np.flatnonzero(occupied)
    gaps = np.diff(places, append=places[0] + len(occupied))
    widest = int(np.argmax(gaps))
    start = int(places[(widest + 1) % len(places)])
    return start, len(occupied) - int(gaps[widest]) + 1


def column_runs(occupied: BoolArray, min_gap_px: int) -> list[tuple[int, int]]:
    """Return (start, length) of the runs of True entries that gaps of a width separate."""
    places = np.flatnonzero(occupied)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > min_gap_px)
    starts = places[np.concatenate([[0], breaks + 1])]
    ends = places[np.concatenate([breaks, [len(places) - 1]])]
    return [(int(a), int(b - a + 1)) for a, b in zip(starts, ends, strict=True)]
