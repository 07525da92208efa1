"""Convolutions of small maps as matrix products.

A convolution of a map of h w positions is a linear map of these positions: a (h w, h' w') matrix
whose entries are weights of the kernel or zero. It is the kernel, (k k,), times a fixed matrix of
zeros and ones, which this module makes. On an 8 x 8 map a fast matrix product does more arithmetic
than the convolution needs (64 in place of 25 products for 5 x 5), in less time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn


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

    def reduced(self, height: int, width: int) -> tuple[int, int]:
        """Size of the result for a map of a size."""
        reduced_height, reduced_width = (
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, padding, dilation in zip(
                (height, width), self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return reduced_height, reduced_width


@lru_cache(maxsize=256)
def taps(window: Window, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Where each position of a window falls.

    Returns:
        (num_taps, height width height' width'), one where a result reads a position through this
        tap and zero elsewhere.
    """
    num_rows = _along(window, 0, height)
    num_columns = _along(window, 1, width)
    # (ky, y, y') and (kx, x, x') to (ky, kx, y, x, y', x').
    both = num_rows[:, None, :, None, :, None] * num_columns[None, :, None, :, None, :]
    return both.reshape(window.num_taps, -1).to(dtype)


@lru_cache(maxsize=64)
def averages(window: Window, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """The matrix of an average pool that doesn't count padding, (height width, h' w')."""
    hits = taps(window, height, width, torch.float64).sum(dim=0)
    matrix = hits.view(height * width, -1)
    return (matrix / matrix.sum(dim=0)).to(dtype)


def _along(window: Window, axis: int, size: int) -> Tensor:
    """(kernel, size, size'): whether a result reads a position, along one axis."""
    reduced = window.reduced(size, size)[axis]
    kernel, stride = window.kernel[axis], window.stride[axis]
    tap = torch.arange(kernel)[:, None, None] * window.dilation[axis]
    read = torch.arange(reduced) * stride + tap - window.padding[axis]
    return (torch.arange(size)[None, :, None] == read).to(torch.float32)


def pair(size: int | tuple[int, ...] | str) -> tuple[int, int]:
    """Both numbers of a setting that torch gives as one number or two."""
    if isinstance(size, int):
        return size, size
    height, width = (int(each) for each in size)
    return height, width
