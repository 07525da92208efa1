"""Pooling steps. Maps are contiguous: (c, n, h, w) where nothing else is said."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from tasks.nas.models.layout.steps import Back, Step, added
from tasks.nas.models.layout.toeplitz import Window, averages
from tasks.nas.models.layout.turn import planes_first, planes_last

_aten = torch.ops.aten
_MOST_POSITIONS = 64  # of a map, beyond which the product does too much arithmetic
_LEAST_SEPARATE = 5  # side of a window; 3 x 3 gains nothing


class AveragePool(Step):
    """Average of what isn't padding; of small maps by one product with a fixed matrix."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.identity = ("average", window)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state = maps[0]
        height, width = state.shape[2:]
        if height * width > _MOST_POSITIONS:
            return _aten.avg_pool2d(state, *self._settings()), state
        matrix = averages(self._window, height, width, state.dtype)
        result = state.view(-1, height * width) @ matrix
        size = self._window.reduced(height, width)
        return result.view(*state.shape[:2], *size), state

    @override
    def pull(self, back: Back) -> list[Tensor]:
        saved, gradient, into = back.saved, back.gradient, back.into[0]
        height, width = saved.shape[2:]
        if height * width > _MOST_POSITIONS:
            found = _aten.avg_pool2d_backward(gradient, saved, *self._settings(), None)
            return [added(found, into)]
        matrix = averages(self._window, height, width, saved.dtype)
        flat = gradient.reshape(-1, matrix.shape[1])
        if into is None:
            return [(flat @ matrix.T).view_as(saved)]
        into.view(-1, height * width).addmm_(flat, matrix.T)
        return [into]

    def _settings(self) -> tuple[Any, ...]:
        window = self._window
        return window.kernel, window.stride, window.padding, False, False


class PlanesLast(Step):
    """Positions outermost, as `MaxPool` reads maps; several that read one map share it."""

    identity = "planes_last"

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return planes_last(maps[0]), None

    @override
    def pull(self, back: Back) -> list[Tensor]:
        return [added(planes_first(back.gradient), back.into[0])]


class PlanesFirst(Step):
    """Channels outermost again."""

    identity = "planes_first"

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return planes_first(maps[0]), None

    @override
    def pull(self, back: Back) -> list[Tensor]:
        return [added(planes_last(back.gradient), back.into[0])]


class MaxPool(Step):
    """The greatest value of each window of maps (h, w, c, n).

    In this order torch's routine compares many planes at once (measured: 0.13 against 2.0 ms for
    3 x 3 on 1,024 maps of 8 x 8, and 0.04 for turning them there and back).
    """

    def __init__(self, window: Window) -> None:
        self._settings = window.kernel, window.stride, window.padding, window.dilation, False
        self.identity = ("maximum", window)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        image = _as_image(maps[0])
        result, places = _aten.max_pool2d_with_indices(image, *self._settings)
        height, width = result.shape[2:]
        made = result.permute(0, 2, 3, 1).reshape(height, width, *maps[0].shape[2:])
        return made, (image, places, maps[0].shape)

    @override
    def pull(self, back: Back) -> list[Tensor]:
        image, places, shape = back.saved
        found = _aten.max_pool2d_with_indices_backward(
            _as_image(back.gradient), image, *self._settings, places
        )
        return [added(found.permute(0, 2, 3, 1).reshape(shape), back.into[0])]


def max_pools(window: Window) -> list[MaxPool]:
    """A pool; a large one that doesn't stride as a row and a column, which compare less.

    Where values are equal, torch takes the first, row by row; so does a row before a column.
    """
    (rows, columns), (down, right) = window.kernel, window.padding
    if window.stride != (1, 1) or min(rows, columns) < _LEAST_SEPARATE:
        return [MaxPool(window)]
    along = Window((1, columns), (1, 1), (0, right))
    return [MaxPool(along), MaxPool(Window((rows, 1), (1, 1), (down, 0)))]


def _as_image(maps: Tensor) -> Tensor:
    """(h, w, c, n) as one image of c n channels, in channels_last."""
    height, width = maps.shape[:2]
    return maps.view(1, height, width, -1).permute(0, 3, 1, 2)
