"""Convolutions of small maps as matrix products.

A convolution of a map of h w positions is a linear map of these positions: a (h w, h' w') matrix
whose entries are weights of the kernel or zero. It is the kernel, (k k,), times a fixed matrix of
zeros and ones, which this module makes. On an 8 x 8 map a fast matrix product does more arithmetic
than the convolution needs (64 in place of 25 products for 5 x 5), in less time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

# Entries of a matrix (h w, h' w'), beyond which torch's own routines are faster. Measured forwards
# and backwards, 128 images, 8 channels, 5 x 5: 8 x 8 to 8 x 8 0.26 against 1.06 ms, 16 x 16 to
# 8 x 8 2.2 against 3.1 ms (16 channels), 16 x 16 to 16 x 16 4.8 against 3.3 ms.
_MOST_ENTRIES = 2**14


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

    def reduced(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the result for a map of a height and width."""
        height, width = (
            (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for side, kernel, stride, padding, dilation in zip(
                size, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return height, width


def is_small(window: Window, size: tuple[int, int]) -> bool:
    """Whether a map is so small that a window is best applied to it as a matrix."""
    return math.prod(size) * math.prod(window.reduced(size)) <= _MOST_ENTRIES


# What is made while a network is evaluated is read by later trainings, which need plain tensors.
@lru_cache(maxsize=256)
@torch.inference_mode(mode=False)
def taps(window: Window, size: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Where each position of a window falls.

    Args:
        window: What is read.
        size: Height and width of the map, (h, w); those of the result are (h', w').
        dtype: Type of the numbers.

    Returns:
        (num_taps, h w h' w'), one where a result reads a position through this tap and zero
        elsewhere.
    """
    rows, columns = _along(window, 0, size[0]), _along(window, 1, size[1])
    # (ky, y, y') and (kx, x, x') to (ky, kx, y, x, y', x').
    both = rows[:, None, :, None, :, None] * columns[None, :, None, :, None, :]
    return both.reshape(window.num_taps, -1).to(dtype)


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)
def averages(window: Window, size: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """The matrix of an average pool that doesn't count padding, (h w, h' w')."""
    hits = taps(window, size, torch.float64).sum(dim=0)
    matrix = hits.view(size[0] * size[1], -1)
    return (matrix / matrix.sum(dim=0)).to(dtype)


def _along(window: Window, axis: int, side: int) -> Tensor:
    """(kernel, side, side'): whether a result reads a position, along one axis."""
    reduced = window.reduced((side, side))[axis]
    kernel, stride = window.kernel[axis], window.stride[axis]
    tap = torch.arange(kernel)[:, None, None] * window.dilation[axis]
    read = torch.arange(reduced) * stride + tap - window.padding[axis]
    return (torch.arange(side)[None, :, None] == read).to(torch.float32)


def pair(size: int | tuple[int, ...] | str) -> tuple[int, int]:
    """Both numbers of a setting that torch gives as one number or two."""
    if isinstance(size, int):
        return size, size
    height, width = (int(each) for each in size)
    return height, width
