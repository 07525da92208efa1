"""Depthwise convolutions of maps that are too large for a product of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.nas.models.layout.convolutions import Library
from tasks.nas.models.layout.steps import Back, HeightWidth, added
from tasks.nas.models.layout.toeplitz import Window
from tasks.nas.models.layout.turn import channel_major, channels_last

_aten = torch.ops.aten
# Columns of a kernel up to which oneDNN takes its routine for depthwise convolutions when it
# computes the gradient of weights. Wider ones go to the routine for dense convolutions, which
# computes 16 x 16 channels to keep 16 (measured, 5 x 5, 16 x 16, 16 channels: 3.0 against 1.2 ms
# for two strips).
_STRIP = 3


class LargeDepthwise(Library):
    """Depthwise convolution with stride 1 that keeps the size, by torch's faster routines.

    The gradient of the map is a convolution with the kernel turned around, for which torch has a
    faster routine than for the gradient itself (measured, 5 x 5, 16 x 16, 8 channels: 0.38 against
    0.80 ms). The gradient of weights is computed by strips of columns.
    """

    def __init__(self, conv: nn.Conv2d, size: HeightWidth) -> None:
        super().__init__(conv, size)
        window = Window.of(conv)
        self._padding, self._num_channels = window.padding, conv.in_channels
        columns = range(window.kernel[1])
        self._strips = [columns[first : first + _STRIP] for first in columns[::_STRIP]]

    @classmethod
    def serves(cls, window: Window, size: HeightWidth) -> bool:
        """Whether a window is of this kind on maps of a height and width."""
        return (
            window.stride == window.dilation == (1, 1)
            and window.reduced(size) == size
            and window.kernel[1] > 1
        )

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        weight, images = self.weight, back.saved
        gradient = channels_last(back.gradient, self._size)
        back.weights[weight] = self._of_weight(images, gradient)
        turned = weight.flip((2, 3))
        found = _aten.convolution(gradient, turned, None, *self._arguments)
        return (added(channel_major(found), back.into[0]),)

    def _of_weight(self, images: Tensor, gradient: Tensor) -> Tensor:
        if len(self._strips) == 1:
            return self._of_columns(images, gradient, self.weight, self._padding)
        parts = []
        for columns in self._strips:
            left = self._padding[1] - columns.start
            right = len(columns) - 1 - left  # so that as many windows fit as the map is wide
            read = nn.functional.pad(images, (left, right))
            strip = self.weight[..., columns.start : columns.stop]
            parts.append(self._of_columns(read, gradient, strip, (self._padding[0], 0)))
        return torch.cat(parts, dim=3)

    def _of_columns(
        self, images: Tensor, gradient: Tensor, weight: Tensor, padding: tuple[int, int]
    ) -> Tensor:
        found: tuple[Any, Tensor, Any] = _aten.convolution_backward(
            gradient, images, weight, None, (1, 1), padding, (1, 1), False, (0, 0),
            self._num_channels, (False, True, False),
        )  # fmt: skip
        return found[1]
