"""One network for two domains: batch norms of their own, and a gradient that is reversed.

Legend: n samples, c channels, f features.

- K. Bousmalis, A. Irpan, P. Wohlhart et al., "Using Simulation and Domain Adaptation to Improve
  Efficiency of Deep Robotic Grasping" (arXiv 1709.07857), section IV-B: batch norm by domain.
- Y. Ganin, V. Lempitsky et al., "Domain-Adversarial Training of Neural Networks", JMLR 2016,
  section 4.2: the gradient reversal layer, and in 5.2.2 how its weight rises.
- Y. Li, N. Wang, J. Shi, J. Liu, X. Hou, "Revisiting Batch Normalization For Practical Domain
  Adaptation" (arXiv 1603.04779): AdaBN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

NUM_DOMAINS: Final = 2
SOURCE, TARGET = range(NUM_DOMAINS)
"""Simulation as it is; and the target, or whatever is adapted to it."""


class DomainNorm(nn.Module):
    """Batch norm over (n, c, …), with weights and statistics of their own in each domain.

    Attributes:
        domain: The domain of what is given next; see `in_domain`.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(num_channels) for _ in range(NUM_DOMAINS))
        self.domain = SOURCE

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps (n, c, h, w) of the domain that is set."""
        normalised: Tensor = self.norms[self.domain](maps)
        return normalised


def set_domain(network: nn.Module, domain: int) -> nn.Module:
    """Say of which domain that is which a network is given from now on; returns the network."""
    for module in network.modules():
        if isinstance(module, DomainNorm):
            module.domain = domain
    return network


def copy_source_norms(network: nn.Module) -> None:
    """Begin the target's batch norms as those of the source are."""
    for module in network.modules():
        if isinstance(module, DomainNorm):
            module.norms[TARGET].load_state_dict(module.norms[SOURCE].state_dict())


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradient, None


def reverse_gradient(features: Tensor, weight: float) -> Tensor:
    """The same features; gradients through them are turned around and weighted."""
    reversed_: Tensor = _Reversal.apply(features, weight)
    return reversed_


def reversal_weight(progress: float, peak: float) -> float:
    """How strongly gradients are reversed after a share of training, 0 to 1: from 0 to the peak."""
    return peak * (2 / (1 + math.exp(-10 * progress)) - 1)


class DomainClassifier(nn.Module):
    """Tells from features (n, f) which domain they are of; logits (n,), positive for the target."""

    def __init__(self, num_features: int, num_units: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(num_features, num_units), nn.ReLU(), nn.Linear(num_units, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Classify."""
        logits: Tensor = self.layers(features)[:, 0]
        return logits


@torch.no_grad()
def adapt_norms(network: nn.Module, batches: Iterable[tuple[Tensor, ...]]) -> None:
    """AdaBN: give the target's batch norms the statistics of unlabelled target samples, in place.

    Args:
        network: With weights that were trained on the source.
        batches: What the network is called with, of the target.
    """
    copy_source_norms(network)
    norms: list[Any] = [
        module.norms[TARGET] for module in network.modules() if isinstance(module, DomainNorm)
    ]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    set_domain(network, TARGET).train()
    for batch in batches:
        network(*batch)
    network.eval()
    for norm in norms:
        norm.momentum = 0.1
