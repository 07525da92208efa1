"""Weights that lie in one tensor, so that an optimiser steps once for hundreds of them.

A cell has some hundred weights of a few numbers each. Handing each its gradient and stepping it by
itself costs as long as a tenth of the arithmetic of a small network.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Gathered:
    """Weights that are views of one tensor from now on; names and values stay.

    Attributes:
        flat: The tensor, (sum of sizes,), to be trained in their place.
        holds_matrices: Whether they are matrices, or kernels, rather than vectors.
        places: The weights, and where each begins.
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        """Gather weights.

        Args:
            weights: At least one, all matrices or all vectors; of one type.
        """
        self.holds_matrices = weights[0].dim() > 1
        self.flat = nn.Parameter(torch.cat([weight.detach().flatten() for weight in weights]))
        parts = torch.split(self.flat.data, [weight.numel() for weight in weights])
        for weight, part in zip(weights, parts, strict=True):
            weight.data = part.view(weight.shape)
        starts = itertools.accumulate((weight.numel() for weight in weights), initial=0)
        self.places = list(zip(weights, starts, strict=False))


class Gradients:
    """Memory for gradients with respect to weights, as they lie.

    Attributes:
        of_gathered: With respect to the tensors that weights lie in; zero where nothing is put.
        of_weight: With respect to others, once they are asked for.
    """

    def __init__(self, gathered: Sequence[Gathered] = ()) -> None:
        self.of_gathered = [torch.zeros_like(each.flat) for each in gathered]
        self.of_weight: dict[Tensor, Tensor] = {}
        self._addresses: dict[int, int] = {}  # by the id of a weight
        for each, found in zip(gathered, self.of_gathered, strict=True):
            begin, itemsize = found.data_ptr(), found.itemsize
            for weight, place in each.places:
                self._addresses[id(weight)] = begin + place * itemsize

    def address(self, weight: Tensor) -> int:
        """Where the gradient with respect to a weight is to be put, contiguously."""
        address = self._addresses.get(id(weight))
        if address is not None:
            return address
        made = torch.empty_like(weight, memory_format=torch.contiguous_format)
        self.of_weight[weight] = made
        return made.data_ptr()


def gather(weights: Sequence[nn.Parameter]) -> list[Gathered]:
    """Gather weights, matrices apart from vectors, since only matrices decay."""
    matrices = [weight for weight in weights if weight.dim() > 1]
    vectors = [weight for weight in weights if weight.dim() <= 1]
    return [Gathered(each) for each in (matrices, vectors) if each]
