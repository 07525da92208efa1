"""Batch norm as group norm, against torch's own batch norm."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.norm import Norm, Running
from tests.support.nas.layout_steps import check_step, random_maps, to_rows


def norm_of(num_channels: int, **settings) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(num_channels, eps=1e-3, **settings).double()
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, num_channels))
        norm.bias.copy_(torch.linspace(-1, 1, num_channels))
    return norm


def test_training() -> None:
    norm = norm_of(3)
    check_step(Norm(norm), norm, [3 + 2 * random_maps(3, 4, 3, 3)])


def test_evaluation_takes_the_running_statistics() -> None:
    norm = norm_of(2)
    images = random_maps(2, 3, 4, 4)
    norm(5 + images)
    norm.eval()
    made, _ = Norm(norm).run(to_rows(images))
    torch.testing.assert_close(made, to_rows(norm(images).detach()))


def test_running_statistics_are_brought_up_to_date() -> None:
    theirs = [norm_of(2), norm_of(3, momentum=0.3)]
    ours = copy.deepcopy(theirs)
    steps = [Norm(norm) for norm in ours]
    running = Running()
    for seed in range(3):
        images = [1 + 3 * random_maps(c, 2, 3, 3, seed) for c in (2, 3)]
        kept = [step.run(to_rows(each))[1] for step, each in zip(steps, images, strict=True)]
        running.track(steps, kept)
        for norm, each in zip(theirs, images, strict=True):
            norm(each)
    for one, other in zip(theirs, ours, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_single_values_and_norms_without_statistics_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one value"):
        Norm(norm_of(2)).run(torch.zeros(2, 1, dtype=torch.float64))
    with pytest.raises(ConfigError, match="running means"):
        Norm(nn.BatchNorm2d(2, track_running_stats=False))
