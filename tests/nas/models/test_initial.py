"""Initial weights have the spread that their outgoing connections ask for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.initial import initialise


@pytest.mark.parametrize(
    ("conv", "variance"),
    [
        (nn.Conv2d(64, 128, 3, bias=False), 2 / (9 * 128)),
        (nn.Conv2d(512, 512, 5, groups=512, bias=False), 2 / 25),
        (nn.Conv2d(256, 256, (1, 7), bias=False), 2 / (7 * 256)),
    ],
)
def test_variance_is_two_over_outgoing_connections(conv, variance) -> None:
    torch.manual_seed(0)
    initialise(conv)
    assert conv.weight.var().item() == pytest.approx(variance, rel=0.05)


def test_a_classifier_begins_without_opinion() -> None:
    linear = nn.Linear(100, 50)
    initialise(linear)
    assert not linear.bias.any()
    assert linear.weight.std().item() == pytest.approx(0.01, rel=0.1)
