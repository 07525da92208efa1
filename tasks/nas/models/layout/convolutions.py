"""Convolutions of channel-major maps.

Shape legend: i channels read, o channels made, p positions of a map, q of the result, n images
with padding. Maps are (c, p n), contiguous.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.kernels import products, windows
from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.steps import Back, Step, zero_of
from tasks.nas.models.layout.windows import HeightWidth, Window, table


class Convolution(Step):
    """A step with the weights of one convolution or several, concatenated."""

    def __init__(self, *convs: nn.Conv2d) -> None:
        # Attributes of modules are slow to look up, and a step of training reads each five times.
        self._of_convs: list[dict[str, Any]] = [conv._parameters for conv in convs]

    @override
    def weights(self) -> Sequence[Tensor]:
        return [each["weight"] for each in self._of_convs]

    @override
    def run(self, *maps: Tensor) -> tuple[Tensor, Any]:
        return self.made(self.weights(), None, *maps), maps

    def made(self, weights: Sequence[Tensor], bias: Tensor | None, *maps: Tensor) -> Tensor:
        """The result for any weights, plus a bias (o,)."""
        raise NotImplementedError


class Pointwise(Convolution):
    """1x1 convolutions of as many maps: products of the weights (o, i) and a map (i, p n)."""

    def __init__(self, *convs: nn.Conv2d) -> None:
        super().__init__(*convs)
        self._num_made = [conv.out_channels for conv in convs]

    @override
    def made(self, weights: Sequence[Tensor], bias: Tensor | None, *maps: Tensor) -> Tensor:
        num_values = maps[0].shape[1]
        result = maps[0].new_empty(sum(self._num_made), num_values)
        zero, at = zero_of(result), result.data_ptr()
        of_bias = 0 if bias is None else bias.data_ptr()
        for weight, state, num_made in zip(weights, maps, self._num_made, strict=True):
            num_read = state.shape[0]
            products.product(
                zero, weight.data_ptr(), num_read, 1, state.data_ptr(), at, of_bias,
                num_made, num_read, num_values, False,
            )  # fmt: skip
            at += num_made * num_values * result.itemsize
            of_bias += num_made * result.itemsize if of_bias else 0
        return result

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        at, results = back.gradient.data_ptr(), []
        for place, weight in enumerate(self.weights()):
            results.append(self._pulled(back, place, weight, at))
            at += self._num_made[place] * back.gradient.shape[1] * back.gradient.itemsize
        return results

    def _pulled(self, back: Back, place: int, weight: Tensor, gradient: int) -> Tensor:
        """Take the rows of one of the convolutions back, which begin at an address."""
        state, into, num_made = back.saved[place], back.into[place], self._num_made[place]
        zero, at, (num_read, num_values) = zero_of(state), state.data_ptr(), state.shape
        sums = state.new_empty(num_made * num_read * NUM_LANES)
        products.outer(
            zero, gradient, at, sums.data_ptr(), back.weights.address(weight),
            num_made, num_read, num_values,
        )  # fmt: skip
        result = torch.empty_like(state) if into is None else into
        products.product(
            zero, weight.data_ptr(), 1, num_read, gradient, result.data_ptr(), 0,
            num_read, num_made, num_values, into is not None,
        )  # fmt: skip
        return result


class Windowed(Convolution):
    """A depthwise or dense convolution with any window, on maps of one size.

    Attributes:
        reads_images: Whether it reads what is given, with respect to which nobody asks for
            gradients.
    """

    def __init__(self, conv: nn.Conv2d, size: HeightWidth, *, reads_images: bool = False) -> None:
        """Take a convolution.

        Raises:
            ConfigError: It is grouped, and not by channels.
        """
        super().__init__(conv)
        self._is_depthwise = conv.groups == conv.in_channels == conv.out_channels
        if conv.groups > 1 and not self._is_depthwise:
            raise ConfigError(f"expected a dense or depthwise convolution, got {conv}")
        self._table, self._num_positions = table(Window.of(conv), size), math.prod(size)
        self._num_made, self.reads_images = conv.out_channels, reads_images

    @override
    def made(self, weights: Sequence[Tensor], bias: Tensor | None, *maps: Tensor) -> Tensor:
        state, weight, reads = maps[0], weights[0].contiguous(), self._table.reads
        num_images = state.shape[1] // self._num_positions
        result = state.new_empty(self._num_made, reads.num_positions * num_images)
        num_taps, num_read = self._table.num_taps, weight.shape[1]
        windows.weighted(
            zero_of(state), weight.data_ptr(), num_read * num_taps, num_taps, state.data_ptr(),
            result.data_ptr(), 0 if bias is None else bias.data_ptr(), *reads.addresses,
            self._num_made, 0 if self._is_depthwise else num_read, self._num_positions,
            reads.num_positions, num_images, False,
        )  # fmt: skip
        return result

    @override
    def pull(self, back: Back) -> Sequence[Tensor]:
        (state,), gradient, (given,) = back.saved, back.gradient, self.weights()
        weight, reads, num_taps = given.contiguous(), self._table.reads, self._table.num_taps
        num_made, num_read, *_ = weight.shape
        sizes = self._num_positions, reads.num_positions, state.shape[1] // self._num_positions
        sums = state.new_empty(num_taps * NUM_LANES)
        windows.weighted_back(
            zero_of(state), gradient.data_ptr(), state.data_ptr(), sums.data_ptr(),
            back.weights.address(given), *reads.addresses, num_taps, num_made,
            0 if self._is_depthwise else num_read, *sizes,
        )  # fmt: skip
        if self.reads_images:
            return ()
        into, read_by = back.into[0], self._table.read_by
        result = torch.empty_like(state) if into is None else into
        windows.weighted(
            zero_of(state), weight.data_ptr(), num_taps, num_read * num_taps, gradient.data_ptr(),
            result.data_ptr(), 0, *read_by.addresses, state.shape[0],
            0 if self._is_depthwise else num_made, reads.num_positions, read_by.num_positions,
            sizes[2], into is not None,
        )  # fmt: skip
        return (result,)
