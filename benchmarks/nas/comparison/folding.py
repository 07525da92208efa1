"""Batch norms folded into the convolutions before them, as whoever deploys a network does."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from tasks.nas.models.layout.channel_major import to_plain
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.operations import FactorizedReduction


def folded(network: nn.Module, image: Tensor) -> nn.Module:
    """A copy for inference without those batch norms that directly follow a convolution.

    Args:
        network: A classifier; a `FactorizedReduction`'s norm is split among its two convolutions.
        image: What it can be run on once, to see what follows what.
    """
    made = copy.deepcopy(network).eval()
    if isinstance(made, CellNetwork):
        to_plain(made)
    for conv, norm in _pairs(made, image):
        _fold(conv, norm, slice(None))
        _make_identity(norm)
    for module in (each for each in made.modules() if isinstance(each, FactorizedReduction)):
        middle = module.even.out_channels
        _fold(module.even, module.norm, slice(None, middle))
        _fold(module.odd, module.norm, slice(middle, None))
        _make_identity(module.norm)
    return made


def _pairs(network: nn.Module, image: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions whose result a batch norm reads, by running the network once."""
    made: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # holds results, so that no id is used twice
    pairs = []

    def remember(conv: Any, _: Any, result: Tensor) -> None:
        made[id(result)] = conv, result

    def pair(norm: Any, given: tuple[Tensor, ...]) -> None:
        if id(given[0]) in made:
            pairs.append((made[id(given[0])][0], norm))

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(remember))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(pair))
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    return pairs


def _fold(conv: nn.Conv2d, norm: Any, part: slice) -> None:
    """Let a convolution do what the norm does to its channels, which are a part of the norm's."""
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean[part],
        norm.running_var[part],
        norm.eps,
        norm.weight[part],
        norm.bias[part],
    )


def _make_identity(norm: nn.BatchNorm2d) -> None:
    vars(norm)["forward"] = _same


def _same(maps: Tensor) -> Tensor:
    return maps
