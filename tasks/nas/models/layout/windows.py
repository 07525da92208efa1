"""Windows of convolutions and pools, as tables of what each position of a result reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from torch import nn

HeightWidth = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """What a convolution or a pool reads of a map, (height, width) each.

    Attributes:
        kernel: Size of the window.
        stride: From one window to the next.
        padding: Positions added on each side.
        dilation: From one position of the window to the next.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, conv: nn.Conv2d) -> Window:
        """The window of a convolution."""
        return cls(
            pair(conv.kernel_size), pair(conv.stride), pair(conv.padding), pair(conv.dilation)
        )

    @property
    def num_taps(self) -> int:
        """Positions in the window."""
        return self.kernel[0] * self.kernel[1]

    def reduced(self, size: HeightWidth) -> HeightWidth:
        """Height and width of the result for a map of a height and width."""
        height, width = (
            (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for side, kernel, stride, padding, dilation in zip(
                size, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return height, width


class Reads:
    """What positions read, one list after the other.

    Attributes:
        starts: Where each list begins, and the end of the last, (positions + 1,) int32.
        places: Position that is read, int32.
        taps: Its place in the kernel, int32.
        addresses: Of the three.
        num_positions: How many lists there are.
    """

    def __init__(self, by: np.ndarray, places: np.ndarray, taps: np.ndarray, count: int) -> None:
        """Sort entries.

        Args:
            by: Position that reads, of each entry.
            places: See the class.
            taps: See the class.
            count: Positions that read.
        """
        order = np.argsort(by, kind="stable")
        ends = np.bincount(by, minlength=count).cumsum()
        self.starts = np.concatenate([[0], ends]).astype(np.int32)
        self.places, self.taps = (each[order].astype(np.int32) for each in (places, taps))
        self.addresses = self.starts.ctypes.data, self.places.ctypes.data, self.taps.ctypes.data
        self.num_positions = count


class Table:
    """A window on maps of one size.

    Attributes:
        reads: What each position of the result reads of the map; places in the order of taps.
        read_by: For each position of the map, which positions of the result read it.
        num_taps: Positions in the window.
        reduced: Height and width of the result.
    """

    def __init__(self, window: Window, size: HeightWidth) -> None:
        self._of = window, size
        self.num_taps, self.reduced = window.num_taps, window.reduced(size)
        rows, columns = (_along(window, axis, size[axis]) for axis in (0, 1))
        # (y', x', ky, kx): what is read, -1 for padding.
        places = rows[:, None, :, None] * size[1] + columns[None, :, None, :]
        inside = (rows >= 0)[:, None, :, None] & (columns >= 0)[None, :, None, :]
        num_made, num_read = math.prod(self.reduced), math.prod(size)
        by = np.repeat(np.arange(num_made), self.num_taps)[inside.ravel()]
        taps = np.tile(np.arange(self.num_taps), num_made)[inside.ravel()]
        self.reads = Reads(by, places[inside], taps, num_made)
        self.read_by = Reads(places[inside], by, taps, num_read)

    def __reduce__(self) -> tuple[object, ...]:
        """Addresses hold for this process alone."""
        return table, self._of


@lru_cache(maxsize=256)
def table(window: Window, size: HeightWidth) -> Table:
    """The table of a window on maps of a height and width."""
    return Table(window, size)


def _along(window: Window, axis: int, side: int) -> np.ndarray:
    """(side', kernel): what each result reads along one axis; -1 for padding."""
    first = np.arange(window.reduced((side, side))[axis]) * window.stride[axis]
    taps = np.arange(window.kernel[axis]) * window.dilation[axis]
    places: np.ndarray = first[:, None] + taps - window.padding[axis]
    places[(places < 0) | (places >= side)] = -1
    return places


def pair(size: int | tuple[int, ...] | str) -> tuple[int, int]:
    """Both numbers of a setting that torch gives as one number or two."""
    if isinstance(size, int):
        return size, size
    height, width = (int(each) for each in size)
    return height, width
