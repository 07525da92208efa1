"""Weights that lie in one tensor, so that an optimiser steps once for hundreds of them.

A cell has some hundred weights of a few numbers each. Handing each its gradient and stepping it by
itself costs as long as a tenth of the arithmetic of a small network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class Gathered:
    """Weights that are views of one tensor from now on; names and values stay.

    Attributes:
        flat: The tensor, (sum of sizes,), to be trained in their place.
        holds_matrices: Whether they are matrices, or kernels, rather than vectors.
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        """Gather weights.

        Args:
            weights: At least one, all matrices or all vectors; of one type.
        """
        self._weights = weights
        self.holds_matrices = weights[0].dim() > 1
        self.flat = nn.Parameter(torch.cat([weight.detach().flatten() for weight in weights]))
        parts = torch.split(self.flat.data, [weight.numel() for weight in weights])
        for weight, part in zip(weights, parts, strict=True):
            weight.data = part.view(weight.shape)

    def gradient(self, found: Mapping[Tensor, Tensor]) -> Tensor:
        """The gradient of the tensor by those of the weights; zero where there is none."""
        rows = []
        for weight in self._weights:
            gradient = found.get(weight)
            rows.append(
                torch.zeros_like(weight).flatten() if gradient is None else gradient.flatten()
            )
        return torch.cat(rows)


def gather(weights: Sequence[nn.Parameter]) -> list[Gathered]:
    """Gather weights, matrices apart from vectors, since only matrices decay."""
    matrices = [weight for weight in weights if weight.dim() > 1]
    vectors = [weight for weight in weights if weight.dim() <= 1]
    return [Gathered(each) for each in (matrices, vectors) if each]
