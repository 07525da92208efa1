"""Convolutions of channel-major maps, most of them as matrix products.

Shape legend: i channels read, o channels made, n images, p positions of a map, q of the result.
Maps are (c, n p), contiguous.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.nas.models.layout.steps import Back, HeightWidth, Step, added
from tasks.nas.models.layout.toeplitz import Window, taps
from tasks.nas.models.layout.turn import channel_major, channels_last

_aten = torch.ops.aten
# From so many rows of the smaller factor on, a gradient of weights is a third as long under way
# with the larger factor first (measured: 137 against 437 us for 16 and 48 rows of 8,192).
_LEAST_ROWS = 16


class _Convolution(Step):
    """A step with the weights of a convolution."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv = conv
        # Attributes of modules are slow to look up, and a step of training reads each five times.
        self._of_conv: dict[str, Any] = conv._parameters

    @property
    def weight(self) -> Tensor:
        """Weights as they are now."""
        weight: Tensor = self._of_conv["weight"]
        return weight

    @override
    def weights(self) -> Sequence[Tensor]:
        return (self._of_conv["weight"],)


class Pointwise(_Convolution):
    """1x1 convolution: one product of the weights (o, i) and the map (i, n p)."""

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return torch.mm(self.weight.flatten(1), maps[0]), maps[0]

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        weight, state, gradient, into = self.weight, back.saved, back.gradient, back.into[0]
        num_made, num_read = weight.shape[:2]
        if num_read > num_made >= _LEAST_ROWS:
            found = torch.mm(state, gradient.t()).t()
        else:
            found = torch.mm(gradient, state.t())
        back.weights[weight] = found.reshape(weight.shape)
        matrix = weight.flatten(1).t()
        return (torch.mm(matrix, gradient) if into is None else into.addmm_(matrix, gradient),)


class PointwisePair(Step):
    """Two 1x1 convolutions of two maps, concatenated: both halves of a factorised reduction."""

    def __init__(self, convs: tuple[nn.Conv2d, nn.Conv2d]) -> None:
        self._steps = [Pointwise(conv) for conv in convs]
        self._splits = [conv.out_channels for conv in convs]

    @override
    def weights(self) -> Sequence[Tensor]:
        return [weight for step in self._steps for weight in step.weights()]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        made = [step.run(state)[0] for step, state in zip(self._steps, maps, strict=True)]
        return torch.cat(made), maps

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        gradients = torch.split(back.gradient, self._splits)
        parts = zip(self._steps, back.saved, gradients, back.into, strict=True)
        return [
            step.pull(Back(back.weights, state, gradient, into=(into,)))[0]
            for step, state, gradient, into in parts
        ]


class Matrices(Step):
    """The matrices of all depthwise convolutions of one window and one size of maps.

    They are made, and their gradients taken back to the weights, in one product for all: its
    other factor is larger than the weights and the matrices of one.
    """

    def __init__(self, window: Window, size: HeightWidth) -> None:
        self._window, self._size = window, size
        self._convs: list[nn.Conv2d] = []
        self._num_channels = 0

    def append(self, conv: nn.Conv2d) -> int:
        """Take a convolution in; returns its first row."""
        first = self._num_channels
        self._convs.append(conv)
        self._num_channels += conv.out_channels
        return first

    @override
    def weights(self) -> Sequence[Tensor]:
        return [conv.weight for conv in self._convs]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        flat = torch.cat([weight.flatten(1) for weight in self.weights()])
        return torch.mm(flat, taps(self._window, self._size, flat.dtype)), None

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        # Depthwise steps have left gradients with respect to their matrices in place of weights.
        found = {
            weight: back.weights[weight] for weight in self.weights() if weight in back.weights
        }
        stacked = torch.cat(list(found.values()))
        rows = torch.mm(stacked, taps(self._window, self._size, stacked.dtype).t())
        parts = torch.split(rows, [weight.shape[0] for weight in found])
        for weight, part in zip(found, parts, strict=True):
            back.weights[weight] = part.reshape(weight.shape)
        return ()


class Depthwise(_Convolution):
    """Depthwise convolution of a small map: a product of (n, p) and (p, q) for each channel.

    Reads the map and what `Matrices` made.
    """

    def __init__(self, conv: nn.Conv2d, size: HeightWidth, first: int) -> None:
        super().__init__(conv)
        self._num_channels, self._first = conv.out_channels, first
        self._num_positions = size[0] * size[1]

    @override
    def weights(self) -> Sequence[Tensor]:
        return ()  # those of `Matrices`

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        count = self._num_channels
        states = maps[0].view(count, -1, self._num_positions)
        rows = maps[1].narrow(0, self._first, count)
        matrices = rows.view(count, self._num_positions, -1)
        return torch.bmm(states, matrices).view(count, -1), (states, matrices)

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        (states, matrices), into, count = back.saved, back.into[0], self._num_channels
        gradient = back.gradient.view(count, states.shape[1], -1)
        found = torch.bmm(states.transpose(1, 2), gradient).view(count, -1)
        back.weights[self.weight] = found
        turned = matrices.transpose(1, 2)
        if into is None:
            return torch.bmm(gradient, turned).view(count, -1), found
        into.view(states.shape).baddbmm_(gradient, turned)
        return into, found


class Dense(_Convolution):
    """Convolution of a small map with few channels: one product of (n, i p) and (i p, o q)."""

    def __init__(self, conv: nn.Conv2d, size: HeightWidth) -> None:
        super().__init__(conv)
        self._window, self._size = Window.of(conv), size
        self._num_positions = size[0] * size[1]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, weight = maps[0], self.weight
        num_made, num_read = weight.shape[:2]
        reads = taps(self._window, self._size, state.dtype)
        matrix = torch.mm(weight.reshape(num_made * num_read, -1), reads)
        matrix = matrix.view(num_made, num_read, self._num_positions, -1)
        matrix = matrix.permute(1, 2, 0, 3).reshape(num_read * self._num_positions, -1)
        maps_of_images = state.view(num_read, -1, self._num_positions).transpose(0, 1)
        images = maps_of_images.reshape(-1, num_read * self._num_positions)
        result = torch.mm(images, matrix).view(images.shape[0], num_made, -1)
        return result.transpose(0, 1).reshape(num_made, -1), (images, matrix)

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        (images, matrix), weight, gradient = back.saved, self.weight, back.gradient
        num_made, num_read = weight.shape[:2]
        gradients = gradient.view(num_made, images.shape[0], -1).transpose(0, 1)
        flat = gradients.reshape(images.shape[0], -1)
        found = torch.mm(images.t(), flat).view(num_read, self._num_positions, num_made, -1)
        found = found.permute(2, 0, 1, 3).reshape(num_made * num_read, -1)
        reads = taps(self._window, self._size, flat.dtype)
        back.weights[weight] = torch.mm(found, reads.t()).view(weight.shape)
        states = torch.mm(flat, matrix.t()).view(-1, num_read, self._num_positions).transpose(0, 1)
        return (added(states.reshape(num_read, -1), back.into[0]),)


class Library(_Convolution):
    """Any convolution by torch's own routine, in channels_last, which costs two transposes."""

    def __init__(self, conv: nn.Conv2d, size: HeightWidth) -> None:
        super().__init__(conv)
        window = Window.of(conv)
        self._size, self._reduced = size, window.reduced(size)
        self._arguments = window.stride, window.padding, window.dilation, False, (0, 0), conv.groups

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        images = channels_last(maps[0], self._size)
        result = _aten.convolution(images, self.weight, None, *self._arguments)
        return channel_major(result), images

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        gradient = channels_last(back.gradient, self._reduced)
        images, back.weights[self.weight], _ = _aten.convolution_backward(
            gradient, back.saved, self.weight, None, *self._arguments, (True, True, False)
        )
        return (added(channel_major(images), back.into[0]),)


class First(_Convolution):
    """The convolution that reads the images: unfolded, one product; no gradient goes further."""

    def __init__(self, conv: nn.Conv2d, size: HeightWidth) -> None:
        super().__init__(conv)
        self._window, self._reduced = Window.of(conv), Window.of(conv).reduced(size)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        columns = self._columns(maps[0])
        return torch.mm(self.weight.flatten(1), columns), columns

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        back.weights[self.weight] = torch.mm(back.gradient, back.saved.t()).view(self.weight.shape)
        return ()

    def _columns(self, images: Tensor) -> Tensor:
        """What each window reads of images (n, i, h, w): (i num_taps, n q)."""
        window, (height, width) = self._window, self._reduced
        (down, right), (below, beside) = window.stride, window.padding
        padded = nn.functional.pad(images.transpose(0, 1), (beside, beside, below, below))
        reach = (height - 1) * down + 1, (width - 1) * right + 1
        taken = [
            padded[:, :, row : row + reach[0] : down, column : column + reach[1] : right]
            for row in range(0, window.kernel[0] * window.dilation[0], window.dilation[0])
            for column in range(0, window.kernel[1] * window.dilation[1], window.dilation[1])
        ]
        return torch.stack(taken, dim=1).view(padded.shape[0] * window.num_taps, -1)
