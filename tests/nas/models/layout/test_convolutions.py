"""Convolutions as steps, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.convolutions import Pointwise, Windowed
from tasks.nas.models.layout.gathered import Gradients
from tasks.nas.models.layout.steps import Back
from tests.support.nas.layout_steps import check_step, random_maps, to_rows


def conv_of(in_channels, out_channels, kernel, **settings) -> nn.Conv2d:
    torch.manual_seed(1)
    return nn.Conv2d(in_channels, out_channels, kernel, bias=False, **settings).double()


@pytest.mark.parametrize("num_made", [2, 9])
@pytest.mark.parametrize("num_read", [3, 12])
@pytest.mark.parametrize("num_images", [3, 40])
def test_pointwise(num_read, num_made, num_images) -> None:
    conv = conv_of(num_read, num_made, 1)
    check_step(Pointwise(conv), conv, [random_maps(num_read, num_images, 3, 5)])


def test_a_pair_of_pointwise_convolutions() -> None:
    convs = conv_of(3, 2, 1), conv_of(3, 1, 1)
    check_step(
        Pointwise(*convs),
        lambda one, other: torch.cat([convs[0](one), convs[1](other)], dim=1),
        [random_maps(3, 2, 4, 4), random_maps(3, 2, 4, 4, seed=1)],
    )


WINDOWS = [
    {"kernel": 3, "padding": 1},
    {"kernel": 3, "padding": 1, "stride": 2},
    {"kernel": 3, "padding": 2, "dilation": 2},
    {"kernel": 5, "padding": 2},
    {"kernel": (1, 7), "padding": (0, 3), "stride": (1, 2)},
    {"kernel": (3, 1), "padding": (1, 0), "stride": (2, 1)},
]


@pytest.mark.parametrize("settings", WINDOWS)
@pytest.mark.parametrize("is_depthwise", [False, True])
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1)])
@pytest.mark.parametrize("num_images", [3, 80])
def test_windows(is_depthwise, settings, size, num_images) -> None:
    conv = conv_of(3, 3, groups=3, **settings) if is_depthwise else conv_of(2, 3, **settings)
    check_step(Windowed(conv, size), conv, [random_maps(conv.in_channels, num_images, *size)])


def test_other_groups_are_refused() -> None:
    with pytest.raises(ConfigError, match="dense or depthwise"):
        Windowed(conv_of(4, 4, 3, groups=2), (4, 4))


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0)])
def test_of_what_reads_images_no_further_gradient_is_asked(stride, padding) -> None:
    conv = conv_of(3, 4, 3, stride=stride, padding=padding)
    images = random_maps(3, 2, 7, 6)
    step = Windowed(conv, (7, 6), reads_images=True)
    made, saved = step.run(to_rows(images))
    truth = conv(images)
    torch.testing.assert_close(made, to_rows(truth.detach()))
    back = Back(Gradients(), saved, to_rows(torch.ones_like(truth)), False, [None])
    assert list(step.pull(back)) == []
    truth.sum().backward()
    torch.testing.assert_close(back.weights.of_weight[conv.weight], conv.weight.grad)
