"""Steps of a program: what is computed, and how gradients go back through it.

Shape legend: c channels, n images, h and w height and width. Maps are (c, n, h, w), contiguous.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from tasks.nas.models.drop_path import DropPath


@dataclass(slots=True)
class Back:
    """What a step needs to take a gradient from its result to what it read.

    Attributes:
        saved: What `Step.run` kept.
        gradient: With respect to the result; must not be overwritten.
        into: Gradients so far, for each map that was read, to be added to in place; None where
            there is none yet.
        weights: Where gradients with respect to weights are put.
    """

    saved: Any
    gradient: Tensor
    into: list[Tensor | None]
    weights: dict[Tensor, Tensor]


class Step:
    """One computation.

    Attributes:
        identity: Equal for steps without weights that compute the same; None if a step has to be
            run each time.
        owns_gradient: Whether what `pull` returns is memory of its own, which may be overwritten.
    """

    identity: Hashable | None = None
    owns_gradient = True

    def weights(self) -> tuple[Tensor, ...]:
        """Weights that the step reads."""
        return ()

    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        """Compute the result, and what `pull` needs."""
        raise NotImplementedError

    def pull(self, back: Back) -> list[Tensor]:
        """The sum of gradients so far and the step's own, for each map that was read."""
        raise NotImplementedError


def added(gradient: Tensor, into: Tensor | None) -> Tensor:
    """Add a gradient to those so far."""
    return gradient if into is None else into.add_(gradient)


class Relu(Step):
    """The positive part; in place where the module that it stands for is."""

    def __init__(self, *, in_place: bool) -> None:
        self._in_place = in_place
        self.identity = None if in_place else "relu"

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        result = maps[0].relu_() if self._in_place else maps[0].relu()
        return result, result

    @override
    def pull(self, back: Back) -> list[Tensor]:
        return [
            added(torch.ops.aten.threshold_backward(back.gradient, back.saved, 0), back.into[0])
        ]


class Add(Step):
    """The sum of two maps."""

    owns_gradient = False

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return maps[0] + maps[1], None

    @override
    def pull(self, back: Back) -> list[Tensor]:
        return [added(back.gradient, each) for each in back.into]


class Concat(Step):
    """Maps one after the other, by channel."""

    owns_gradient = False

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return torch.cat(maps), [len(each) for each in maps]

    @override
    def pull(self, back: Back) -> list[Tensor]:
        parts = torch.split(back.gradient, back.saved)
        return [added(part, each) for part, each in zip(parts, back.into, strict=True)]


class EverySecond(Step):
    """Positions at even, or at odd, rows and columns; behind the border stand zeros."""

    def __init__(self, first: int, stride: tuple[int, int] = (2, 2)) -> None:
        self._first, self._stride = first, stride
        self.identity = ("every_second", first, stride)

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        state = maps[0]
        picked = self._picked(state)
        size = [-(-side // step) for side, step in zip(state.shape[2:], self._stride, strict=True)]
        if list(picked.shape[2:]) == size:
            return picked.contiguous(), state.shape
        result = state.new_zeros((*state.shape[:2], *size))
        result[:, :, : picked.shape[2], : picked.shape[3]] = picked
        return result, state.shape

    @override
    def pull(self, back: Back) -> list[Tensor]:
        into, gradient = back.into[0], back.gradient
        whole = gradient.new_zeros(back.saved) if into is None else into
        picked = self._picked(whole)
        picked += gradient[:, :, : picked.shape[2], : picked.shape[3]]
        return [whole]

    def _picked(self, state: Tensor) -> Tensor:
        return state[:, :, self._first :: self._stride[0], self._first :: self._stride[1]]


class Drop(Step):
    """`DropPath`: the same draws as the module makes."""

    owns_gradient = False

    def __init__(self, module: DropPath) -> None:
        self._module = module

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        path = maps[0]
        mask = self._module.draw_mask(path, path.shape[1])
        if mask is None:
            return path, None
        mask = mask.view(1, -1, 1, 1)
        return path * mask, mask

    @override
    def pull(self, back: Back) -> list[Tensor]:
        return [
            added(back.gradient if back.saved is None else back.gradient * back.saved, back.into[0])
        ]
