"""Convolutions of channel-major maps, most of them as matrix products.

Shape legend: i channels read, o channels made, n images, p positions of a map, q of the result.
Maps are (c, n, h, w), contiguous.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.nas.models.layout.steps import Back, Step, added
from tasks.nas.models.layout.toeplitz import Window, taps
from tasks.nas.models.layout.turn import channel_major, channels_last

_aten = torch.ops.aten


class Pointwise(Step):
    """1x1 convolution: one product of the weights (o, i) and the map (i, n p)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv = conv

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return (self._conv.weight,)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, weight = maps[0], self._conv.weight
        result = weight.flatten(1) @ state.view(len(state), -1)
        return result.view(-1, *state.shape[1:]), state

    @override
    def pull(self, back: Back) -> list[Tensor]:
        weight, into = self._conv.weight, back.into[0]
        state = back.saved.view(len(back.saved), -1)
        flat = back.gradient.view(len(back.gradient), -1)
        back.weights[weight] = (flat @ state.T).view(weight.shape)
        matrix = weight.flatten(1).T
        if into is None:
            return [(matrix @ flat).view_as(back.saved)]
        into.view_as(state).addmm_(matrix, flat)
        return [into]


class PointwisePair(Step):
    """Two 1x1 convolutions of two maps, concatenated: both halves of a factorised reduction."""

    def __init__(self, convs: tuple[nn.Conv2d, nn.Conv2d]) -> None:
        self._steps = [Pointwise(conv) for conv in convs]
        self._splits = [conv.out_channels for conv in convs]

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return tuple(weight for step in self._steps for weight in step.weights())

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        results, saved = zip(
            *(step.run(state) for step, state in zip(self._steps, maps, strict=True)), strict=True
        )
        return torch.cat(results), saved

    @override
    def pull(self, back: Back) -> list[Tensor]:
        gradients = torch.split(back.gradient, self._splits)
        parts = zip(self._steps, back.saved, gradients, back.into, strict=True)
        return [
            step.pull(Back(state, gradient, [into], back.weights))[0]
            for step, state, gradient, into in parts
        ]


class Depthwise(Step):
    """Depthwise convolution of a small map: a product of (n, p) and (p, q) for each channel."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv, self._window = conv, Window.of(conv)

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return (self._conv.weight,)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, weight = maps[0], self._conv.weight
        num_channels, num_images, height, width = state.shape
        reads = taps(self._window, height, width, state.dtype)
        matrices = (weight.reshape(num_channels, -1) @ reads).view(num_channels, height * width, -1)
        result = torch.bmm(state.view(num_channels, num_images, -1), matrices)
        size = self._window.reduced(height, width)
        return result.view(num_channels, num_images, *size), (state, matrices, reads)

    @override
    def pull(self, back: Back) -> list[Tensor]:
        (state, matrices, reads), weight, into = back.saved, self._conv.weight, back.into[0]
        flat, states = back.gradient.flatten(2), state.flatten(2)
        found = torch.bmm(states.transpose(1, 2), flat)
        back.weights[weight] = (found.view(len(found), -1) @ reads.T).view(weight.shape)
        if into is None:
            return [torch.bmm(flat, matrices.transpose(1, 2)).view_as(state)]
        into.view_as(states).baddbmm_(flat, matrices.transpose(1, 2))
        return [into]


class Dense(Step):
    """Convolution of a small map with few channels: one product of (n, i p) and (i p, o q)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv, self._window = conv, Window.of(conv)

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return (self._conv.weight,)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state, weight = maps[0], self._conv.weight
        num_read, num_images, height, width = state.shape
        num_made, num_positions = len(weight), height * width
        reads = taps(self._window, height, width, state.dtype)
        matrix = (weight.reshape(num_made * num_read, -1) @ reads).view(
            num_made, num_read, num_positions, -1
        )
        matrix = matrix.permute(1, 2, 0, 3).reshape(num_read * num_positions, -1)
        images = state.transpose(0, 1).reshape(num_images, -1)
        size = self._window.reduced(height, width)
        result = (images @ matrix).view(num_images, num_made, *size)
        return result.transpose(0, 1).contiguous(), (state.shape, images, matrix, reads)

    @override
    def pull(self, back: Back) -> list[Tensor]:
        (shape, images, matrix, reads), weight = back.saved, self._conv.weight
        num_read, num_images, height, width = shape
        flat = back.gradient.transpose(0, 1).reshape(num_images, -1)
        found = (images.T @ flat).view(num_read, height * width, len(weight), -1)
        found = found.permute(2, 0, 1, 3).reshape(len(weight) * num_read, -1)
        back.weights[weight] = (found @ reads.T).view(weight.shape)
        states = (flat @ matrix.T).view(num_images, num_read, height, width).transpose(0, 1)
        return [added(states.contiguous(), back.into[0])]


class Library(Step):
    """Any convolution by torch's own routine, in channels_last, which costs two copies."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv = conv
        self._window = Window.of(conv)

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return (self._conv.weight,)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        images = channels_last(maps[0])
        return channel_major(self._conv(images)), images

    @override
    def pull(self, back: Back) -> list[Tensor]:
        conv, window = self._conv, self._window
        sizes = window.stride, window.padding, window.dilation
        images, back.weights[conv.weight], _ = _aten.convolution_backward(
            channels_last(back.gradient),
            back.saved,
            conv.weight,
            None,
            *sizes,
            False,
            (0, 0),
            conv.groups,
            (True, True, False),
        )
        return [added(channel_major(images), back.into[0])]


class First(Step):
    """The convolution that reads the images: unfolded, one product; no gradient goes further."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self._conv, self._window = conv, Window.of(conv)

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return (self._conv.weight,)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        images, weight = maps[0], self._conv.weight
        size = self._window.reduced(*images.shape[2:])
        columns = self._columns(images, size)
        result = weight.flatten(1) @ columns
        return result.view(len(weight), len(images), *size), columns

    @override
    def pull(self, back: Back) -> list[Tensor]:
        weight, gradient = self._conv.weight, back.gradient
        back.weights[weight] = (gradient.view(len(weight), -1) @ back.saved.T).view(weight.shape)
        return []

    def _columns(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """What each window reads, (i num_taps, n q)."""
        window = self._window
        down, right = window.padding
        padded = nn.functional.pad(images.transpose(0, 1), (right, right, down, down))
        taken = [
            padded[
                :,
                :,
                row : row + (size[0] - 1) * window.stride[0] + 1 : window.stride[0],
                column : column + (size[1] - 1) * window.stride[1] + 1 : window.stride[1],
            ]
            for row in range(0, window.kernel[0] * window.dilation[0], window.dilation[0])
            for column in range(0, window.kernel[1] * window.dilation[1], window.dilation[1])
        ]
        return torch.stack(taken, dim=1).view(len(padded) * len(taken), -1)


class BySize(Step):
    """One of two steps, by the number of positions of the map."""

    def __init__(self, small: Step, large: Step, most_positions: int) -> None:
        self._small, self._large, self._most_positions = small, large, most_positions

    @override
    def weights(self) -> tuple[Tensor, ...]:
        return self._small.weights()

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        height, width = maps[0].shape[2:]
        step = self._small if height * width <= self._most_positions else self._large
        result, saved = step.run(*maps)
        return result, (step, saved)

    @override
    def pull(self, back: Back) -> list[Tensor]:
        step, saved = back.saved
        found: list[Tensor] = step.pull(Back(saved, back.gradient, back.into, back.weights))
        return found
