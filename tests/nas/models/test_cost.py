"""Costs are those of the literature, and measuring one leaves the network as it was."""

from __future__ import annotations

import torch
from torch import nn

from tasks.nas.models.cost import Cost, cost_of, mult_adds, num_params


def small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.ReLU6(inplace=True),
        nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def test_mult_adds_are_counted_by_hand() -> None:
    expected = 16 * 16 * 8 * 27 + 8 * 8 * 8 * 25 + 80
    assert cost_of(small, 16) == Cost(3 * 8 * 9 + 8 * 25 + 90, expected, 8 * 8 * 8 * 25)
    assert cost_of(small, 16).depthwise_share == 8 * 8 * 8 * 25 / expected
    assert mult_adds(small(), 16) == expected


def test_measuring_changes_nothing() -> None:
    network = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten())
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mult_adds(network, 4)
    assert network.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    made = network(torch.rand(5, 3, 4, 4)).view(5, 4, -1)
    torch.testing.assert_close(made.mean(dim=(0, 2)), torch.zeros(4), rtol=0, atol=1e-5)
    assert not any(each._forward_hooks for each in network.modules())
    assert not any("forward" in vars(each) for each in network.modules())


def test_frozen_weights_are_not_counted() -> None:
    network = nn.Conv2d(3, 4, 1)
    network.weight.requires_grad_(False)
    assert num_params(network) == 4
