"""Pooling steps of channel-major maps (c, p n)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from tasks.nas.models.layout.kernels import windows as kernels
from tasks.nas.models.layout.steps import Back, Step, zero_of
from tasks.nas.models.layout.windows import HeightWidth, Window, table

_LEAST_SEPARATE = 5  # side of a window; 3 x 3 gains nothing


class AveragePool(Step):
    """Average of what isn't padding: a depthwise convolution with a fixed weight an entry."""

    def __init__(self, window: Window, size: HeightWidth) -> None:
        self._window, self._size, self._table = window, size, table(window, size)
        self.identity = ("average", window)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        result = self._sums(maps[0], None, is_back=False)
        return result, None

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        return (self._sums(back.gradient, back.into[0], is_back=True),)

    def _sums(self, state: Tensor, into: Tensor | None, *, is_back: bool) -> Tensor:
        shares, entries = _shares(self._window, self._size, state.dtype)
        read, made = self._table.read_by, self._table.reads
        if not is_back:
            read, made = made, read
        num_channels, num_images = state.shape[0], state.shape[1] // made.num_positions
        if into is None:
            result = state.new_empty(num_channels, read.num_positions * num_images)
        else:
            result = into
        kernels.weighted(
            zero_of(state), shares[is_back].data_ptr(), 0, 0, state.data_ptr(), result.data_ptr(),
            0, *read.addresses[:2], entries.data_ptr(), num_channels, 0, made.num_positions,
            read.num_positions, num_images, into is not None,
        )  # fmt: skip
        return result


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)
def _shares(
    window: Window, size: HeightWidth, dtype: torch.dtype
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """One over how many positions a result averages, for each entry of both tables.

    Returns:
        For the entries of ``reads`` and of ``read_by``; and the entries' numbers.
    """
    reads, read_by = table(window, size).reads, table(window, size).read_by
    shares = 1 / torch.from_numpy(reads.starts).diff().to(dtype)
    of_reads = shares.repeat_interleave(torch.from_numpy(reads.starts).diff())
    of_read_by = shares[torch.from_numpy(read_by.places).long()]
    return (of_reads, of_read_by), torch.arange(len(of_reads), dtype=torch.int32)


class MaxPool(Step):
    """The greatest value of each window; its gradient goes to the first that is equal."""

    def __init__(self, window: Window, size: HeightWidth) -> None:
        self._table, self._num_positions = table(window, size), math.prod(size)
        self.identity = ("maximum", window)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, reads = maps[0], self._table.reads
        num_images = state.shape[1] // self._num_positions
        result = state.new_empty(state.shape[0], reads.num_positions * num_images)
        kernels.greatest(
            zero_of(state), state.data_ptr(), result.data_ptr(), *reads.addresses[:2],
            state.shape[0], self._num_positions, reads.num_positions, num_images,
        )  # fmt: skip
        return result, (state, result)

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        (state, top), into, reads = back.saved, back.into[0], self._table.reads
        found = torch.zeros_like(state) if into is None else into
        kernels.greatest_back(
            zero_of(state), back.gradient.data_ptr(), state.data_ptr(), top.data_ptr(),
            found.data_ptr(), *reads.addresses[:2], state.shape[0], self._num_positions,
            reads.num_positions, state.shape[1] // self._num_positions,
        )  # fmt: skip
        return (found,)


def max_pools(window: Window, size: HeightWidth) -> list[MaxPool]:
    """A pool; a large one that doesn't stride as a row and a column, which compare less.

    Where values are equal, torch takes the first, row by row; so does a row before a column.
    """
    (rows, columns), (down, right) = window.kernel, window.padding
    if window.stride != (1, 1) or min(rows, columns) < _LEAST_SEPARATE:
        return [MaxPool(window, size)]
    along = Window((1, columns), (1, 1), (0, right))
    across = Window((rows, 1), (1, 1), (down, 0))
    return [MaxPool(along, size), MaxPool(across, along.reduced(size))]
