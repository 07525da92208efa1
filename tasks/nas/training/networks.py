"""Networks ready for training: built, initialised by a seed, and laid out for a device."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.channel_major import to_channel_major
from tasks.nas.models.network import CellNetwork
from tasks.nas.specs import BaselineSpec, NetworkSpec
from tasks.nas.types import Genotype


def build(genotype: Genotype | None, spec: NetworkSpec | BaselineSpec) -> nn.Module:
    """Build a network of cells, or a baseline, with weights from torch's global generator.

    Raises:
        ConfigError: The spec is wrong.
    """
    if isinstance(spec, BaselineSpec):
        return make_baseline(spec)
    if genotype is None:
        raise TypeError("a network of cells needs a genotype")
    return CellNetwork(genotype, spec)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose initial weights a seed decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def lay_out(network: nn.Module, device: str) -> nn.Module:
    """Bring a network to a device and to the memory layout that is fastest there.

    Args:
        network: As it was built.
        device: ``cpu`` or ``cuda``.
    """
    if device == "cpu" and isinstance(network, CellNetwork):
        to_channel_major(network)
        return network
    # channels_last: depthwise convolutions cost a half to a quarter of what they do in NCHW.
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
