"""Pooling steps. Maps are (c, n, h, w), contiguous."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from tasks.nas.models.layout.steps import Back, Step, added
from tasks.nas.models.layout.toeplitz import Window, averages

_aten = torch.ops.aten
_MOST_POSITIONS = 64  # of a map, beyond which the product does too much arithmetic


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


class MaxPool(Step):
    """The greatest value of each window.

    torch's routine compares many planes at once only where these lie innermost (measured: 0.13
    against 2.0 ms for 3 x 3 on 1,024 maps of 8 x 8), so positions go outermost and back.
    """

    def __init__(self, window: Window) -> None:
        self._settings = window.kernel, window.stride, window.padding, window.dilation, False
        self.identity = ("maximum", window)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        planes = _planes_innermost(maps[0])
        result, places = _aten.max_pool2d_with_indices(planes, *self._settings)
        return _planes_outermost(result, maps[0].shape), (planes, places, maps[0].shape)

    @override
    def pull(self, back: Back) -> list[Tensor]:
        planes, places, shape = back.saved
        found = _aten.max_pool2d_with_indices_backward(
            _planes_innermost(back.gradient), planes, *self._settings, places
        )
        return [added(_planes_outermost(found, shape), back.into[0])]


def _planes_innermost(maps: Tensor) -> Tensor:
    """(c, n, h, w) as one image of c n channels, in channels_last."""
    height, width = maps.shape[2:]
    turned = maps.reshape(-1, height * width).t().contiguous()
    return turned.view(1, height, width, -1).permute(0, 3, 1, 2)


def _planes_outermost(image: Tensor, shape: torch.Size) -> Tensor:
    """Undo `_planes_innermost`, for maps whose c and n are those of a shape."""
    height, width = image.shape[2:]
    turned = image.permute(0, 2, 3, 1).reshape(height * width, -1).t().contiguous()
    return turned.view(*shape[:2], height, width)
