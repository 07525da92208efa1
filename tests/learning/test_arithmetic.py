from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.learning.arithmetic import ArithmeticConfig


@pytest.mark.parametrize("channels_last", [False, True])
def test_maps_lie_as_they_are_asked_to(channels_last: bool) -> None:
    arithmetic = ArithmeticConfig(channels_last=channels_last)
    network = arithmetic.placed(nn.Conv2d(3, 4, 3), "cpu")
    maps = network(torch.zeros(2, 3, 8, 8))
    assert maps.is_contiguous(memory_format=arithmetic.memory_format)
    assert maps.is_contiguous(memory_format=torch.channels_last) == channels_last


def test_short_numbers_are_near_the_long_ones_and_weights_stay_long() -> None:
    torch.manual_seed(0)
    network, given = nn.Conv2d(3, 4, 3), torch.rand(2, 3, 8, 8)
    exact = network(given)
    with ArithmeticConfig().autocast("cpu"):
        assert torch.equal(network(given), exact)
    with ArithmeticConfig(precision="bfloat16").autocast("cpu"):
        short = network(given)
    assert short.dtype is torch.bfloat16
    assert torch.allclose(short.float(), exact, atol=0.02)
    short.float().sum().backward()
    assert {each.grad.dtype for each in network.parameters()} == {torch.float32}
