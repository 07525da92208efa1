"""Steps of a program: what is computed, and how gradients go back through it.

Shape legend: c channels, n images, h and w height and width, p = h w positions. Maps are
(c, p n), contiguous: channels outermost, then rows, then images, whose number is padded to a whole
number of lanes with images that stay zero in training. A program is made for one size of images, so
each step knows the height and width of what it reads.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from tasks.nas.models.drop_path import DropPath
from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.windows import HeightWidth

_ZEROS = {torch.float32: np.float32(0), torch.float64: np.float64(0)}
_masked_gradient = torch.ops.aten.threshold_backward.default
_mask_gradient = torch.ops.aten.threshold_backward.grad_input


@dataclass(slots=True)
class Back:
    """What a step needs to take a gradient from its result to what it read.

    Attributes:
        weights: Where gradients with respect to weights are put.
        saved: What `Step.run` kept.
        gradient: With respect to the result.
        owns: Whether the gradient is memory that may be overwritten.
        into: Gradients so far, for each map that was read, to be added to in place; None where
            there is none yet.
    """

    weights: Gradients
    saved: Any = None
    gradient: Tensor = field(default_factory=lambda: torch.empty(0))
    owns: bool = False
    into: Sequence[Tensor | None] = ()


class Step:
    """One computation.

    Attributes:
        identity: Equal for steps without weights that compute the same; None if a step has to be
            run each time.
        owns_gradient: Whether what `pull` returns is memory of its own, which may be overwritten.
    """

    identity: Hashable | None = None
    owns_gradient = True

    def weights(self) -> Sequence[Tensor]:
        """Weights that the step reads."""
        return ()

    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        """Compute the result, and what `pull` needs."""
        raise NotImplementedError

    def pull(self, back: Back) -> Sequence[Tensor]:
        """The sum of gradients so far and the step's own, for each map that was read."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Batch:
    """How many images lie side by side in maps.

    Attributes:
        num_images: Those that are given.
        num_padded: With those that fill up the last lanes.
    """

    num_images: int
    num_padded: int

    def blank(self, state: Tensor) -> None:
        """Make zero of what a map (c, p n) has in padding."""
        if self.num_images != self.num_padded:
            state.view(len(state), -1, self.num_padded)[..., self.num_images :] = 0


def zero_of(state: Tensor) -> Any:
    """A zero of the type of a map's numbers, as kernels take it."""
    return _ZEROS[state.dtype]


def added(gradient: Tensor, into: Tensor | None) -> Tensor:
    """Add a gradient to those so far."""
    return gradient if into is None else into.add_(gradient)


class Images(Step):
    """Images (n, c, h, w) as a channel-major map, with blank ones up to a whole number of lanes.

    Attributes:
        batch: How many images the last were.
    """

    batch = Batch(0, 0)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        images = maps[0]
        num_images, num_channels, height, width = images.shape
        self.batch = Batch(num_images, -(-num_images // NUM_LANES) * NUM_LANES)
        state = images.new_zeros(num_channels, height, width, self.batch.num_padded)
        state[..., :num_images] = images.permute(1, 2, 3, 0)
        return state.view(num_channels, -1), None

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        return ()


class Relu(Step):
    """The positive part."""

    identity = "relu"

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        result = maps[0].relu()
        return result, result

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        gradient, into = back.gradient, back.into[0]
        if back.owns and into is None:
            _mask_gradient(gradient, back.saved, 0, grad_input=gradient)
            return (gradient,)
        return (added(_masked_gradient(gradient, back.saved, 0), into),)


class Add(Step):
    """The sum of two maps."""

    owns_gradient = False

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return maps[0] + maps[1], None

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        return [added(back.gradient, each) for each in back.into]


class Concat(Step):
    """Maps one after the other, by channel."""

    owns_gradient = False

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return torch.cat(maps), [each.shape[0] for each in maps]

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        parts = torch.split(back.gradient, back.saved)
        return [added(part, each) for part, each in zip(parts, back.into, strict=True)]


class EverySecond(Step):
    """Positions at even, or at odd, rows and columns; behind the border stand zeros."""

    def __init__(self, first: int, size: HeightWidth, stride: HeightWidth = (2, 2)) -> None:
        self._first, self._size, self._stride = first, size, stride
        self.identity = ("every_second", first, stride)
        self.reduced = -(-size[0] // stride[0]), -(-size[1] // stride[1])

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state = maps[0]
        picked = self._picked(state)
        if picked.shape[1:3] == self.reduced:
            return picked.contiguous().view(state.shape[0], -1), state.shape
        result = state.new_zeros((state.shape[0], *self.reduced, picked.shape[3]))
        result[:, : picked.shape[1], : picked.shape[2]] = picked
        return result.view(state.shape[0], -1), state.shape

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        into, gradient = back.into[0], back.gradient
        whole = gradient.new_zeros(back.saved) if into is None else into
        picked = self._picked(whole)
        gradient = gradient.view(len(gradient), *self.reduced, -1)
        picked += gradient[:, : picked.shape[1], : picked.shape[2]]
        return (whole,)

    def _picked(self, state: Tensor) -> Tensor:
        (down, right), first = self._stride, self._first
        maps = state.view(state.shape[0], *self._size, -1)
        return maps[:, first::down, first::right]


class Drop(Step):
    """`DropPath`: the same draws as the module makes."""

    owns_gradient = False

    def __init__(self, module: DropPath, images: Images) -> None:
        self._module, self._images = module, images

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        path, batch = maps[0], self._images.batch
        drawn = self._module.draw_mask(path, batch.num_images)
        if drawn is None:
            return path, None
        mask = torch.nn.functional.pad(drawn, (0, batch.num_padded - batch.num_images))
        return _masked(path, mask), mask

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        found = back.gradient if back.saved is None else _masked(back.gradient, back.saved)
        return (added(found, back.into[0]),)


def _masked(state: Tensor, mask: Tensor) -> Tensor:
    """A map (c, p n) times a factor for each image."""
    return (state.view(-1, len(mask)) * mask).view(state.shape)
