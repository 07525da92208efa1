"""A convolution, batch norm and ReLU in one step, against torch's own, one after the other."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.convolutions import Pointwise
from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.norm import Normed, Running
from tasks.nas.models.layout.steps import Back
from tests.support.nas.layout_steps import check_step, images_step, random_maps, to_rows


def norm_of(num_channels: int, **settings) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(num_channels, eps=1e-3, **settings).double()
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, num_channels))
        norm.bias.copy_(torch.linspace(-1, 1, num_channels))
    return norm


def conv_of(num_read: int, num_made: int) -> nn.Conv2d:
    torch.manual_seed(1)
    return nn.Conv2d(num_read, num_made, 1, bias=False).double()


@pytest.mark.parametrize("num_images", [3, 16, 40])
@pytest.mark.parametrize("has_relu", [False, True])
def test_training(num_images, has_relu) -> None:
    conv, norm = conv_of(2, 3), norm_of(3)
    last = nn.ReLU() if has_relu else nn.Identity()
    step = Normed(Pointwise(conv), norm, images_step(num_images), has_relu=has_relu)
    images = 3 + 2 * random_maps(2, num_images, 3, 3)
    check_step(step, nn.Sequential(conv, norm, last), [images])


def test_a_gradient_is_overwritten_only_if_it_may_be() -> None:
    step = Normed(Pointwise(conv_of(2, 3)), norm_of(3), images_step(16), has_relu=True)
    made, saved = step.run(to_rows(random_maps(2, 16, 2, 2)))
    for owns in (False, True):
        gradient = torch.ones_like(made)
        step.pull(Back(Gradients(), saved, gradient, owns, [None]))
        assert torch.equal(gradient, torch.ones_like(made)) == (not owns)


@pytest.mark.parametrize("has_relu", [False, True])
@pytest.mark.parametrize("is_pair", [False, True])
def test_in_evaluation_the_norm_is_folded_into_the_convolution(is_pair, has_relu) -> None:
    convs = [conv_of(2, 3), conv_of(2, 2)] if is_pair else [conv_of(2, 5)]
    norm, images = norm_of(5), [random_maps(2, 3, 4, 4, seed) for seed in range(len(convs))]
    norm(5 + 2 * random_maps(5, 3, 4, 4))
    norm.eval()
    made, kept = Normed(Pointwise(*convs), norm, images_step(3), has_relu=has_relu).run(
        *map(to_rows, images)
    )
    truth = norm(torch.cat([conv(each) for conv, each in zip(convs, images, strict=True)], dim=1))
    truth = truth.relu() if has_relu else truth
    torch.testing.assert_close(without_padding(made, 3), without_padding(to_rows(truth), 3))
    assert kept is None


def without_padding(rows: torch.Tensor, num_images: int) -> torch.Tensor:
    return rows.view(len(rows), -1, NUM_LANES)[..., :num_images]


def test_running_statistics_are_brought_up_to_date() -> None:
    theirs = [norm_of(2), norm_of(3, momentum=0.3)]
    ours = copy.deepcopy(theirs)
    convs = [conv_of(c, c) for c in (2, 3)]
    steps = [
        Normed(Pointwise(conv), norm, images_step(2), has_relu=False)
        for conv, norm in zip(convs, ours, strict=True)
    ]
    running = Running()
    for seed in range(3):
        images = [1 + 3 * random_maps(c, 2, 3, 3, seed) for c in (2, 3)]
        kept = [step.run(to_rows(each))[1] for step, each in zip(steps, images, strict=True)]
        running.track(steps, kept)
        for conv, norm, each in zip(convs, theirs, images, strict=True):
            norm(conv(each))
    for one, other in zip(theirs, ours, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_single_values_and_norms_without_statistics_are_refused() -> None:
    conv, images = Pointwise(conv_of(2, 2)), images_step(1)
    with pytest.raises(ValueError, match="more than one value"):
        Normed(conv, norm_of(2), images, has_relu=False).run(to_rows(random_maps(2, 1, 1, 1)))
    with pytest.raises(ConfigError, match="running means"):
        Normed(conv, nn.BatchNorm2d(2, track_running_stats=False), images, has_relu=False)
