"""Folded networks compute the same, without batch norm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.nas.comparison.folding import folded
from benchmarks.nas.comparison.settings import QUICK, design
from tasks.nas.training.networks import build, lay_out
from tests.support.nas.drawn_norms import draw_norms


@pytest.mark.parametrize("name", ["nasnet_a", "resnet", "mobilenet_v2"])
def test_a_folded_network_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    network = lay_out(build(*design(name, QUICK)), "cpu")
    draw_norms(network)
    images = torch.randn(2, 3, 64, 64)
    made = folded(network, images[:1])
    kinds = {norm.__class__ for norm in _norms_that_run(made, images)}
    assert kinds == set(), "no batch norm is left that computes anything"
    with torch.no_grad():
        torch.testing.assert_close(made(images), network.eval()(images), rtol=1e-3, atol=1e-3)


def _norms_that_run(network: nn.Module, images: torch.Tensor) -> list[nn.Module]:
    """Batch norms that change what they read."""
    found: list[nn.Module] = []

    def look(norm: nn.Module, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> None:
        if result is not given[0]:
            found.append(norm)

    for each in network.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.register_forward_hook(look)
    with torch.no_grad():
        network(images)
    return found
