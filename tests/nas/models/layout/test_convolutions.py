"""Convolutions as steps, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.layout.convolutions import (
    Dense,
    Depthwise,
    First,
    Library,
    Matrices,
    Pointwise,
    PointwisePair,
)
from tasks.nas.models.layout.steps import Back
from tasks.nas.models.layout.toeplitz import Window
from tests.support.nas.layout_steps import check_step, random_maps, to_rows


def conv_of(in_channels, out_channels, kernel, **settings) -> nn.Conv2d:
    torch.manual_seed(1)
    return nn.Conv2d(in_channels, out_channels, kernel, bias=False, **settings).double()


@pytest.mark.parametrize("num_made", [2, 20])
@pytest.mark.parametrize("num_read", [3, 30])
def test_pointwise(num_read, num_made) -> None:
    conv = conv_of(num_read, num_made, 1)
    check_step(Pointwise(conv), conv, [random_maps(num_read, 3, 4, 4)])


def test_a_pair_of_pointwise_convolutions() -> None:
    convs = conv_of(3, 2, 1), conv_of(3, 1, 1)
    check_step(
        PointwisePair(convs),
        lambda one, other: torch.cat([convs[0](one), convs[1](other)], dim=1),
        [random_maps(3, 2, 4, 4), random_maps(3, 2, 4, 4, seed=1)],
    )


DENSE = [
    {"kernel": 3, "padding": 1},
    {"kernel": 3, "padding": 1, "stride": 2},
    {"kernel": 3, "padding": 2, "dilation": 2},
    {"kernel": (1, 7), "padding": (0, 3), "stride": (1, 2)},
    {"kernel": (3, 1), "padding": (1, 0), "stride": (2, 1)},
]


@pytest.mark.parametrize("settings", DENSE)
@pytest.mark.parametrize("kind", [Dense, Library])
@pytest.mark.parametrize("size", [(4, 4), (5, 3), (1, 1)])
def test_dense_convolutions(kind, settings, size) -> None:
    conv = conv_of(2, 3, **settings)
    check_step(kind(conv, size), conv, [random_maps(2, 3, *size)])


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolutions_share_their_matrices(stride) -> None:
    size, window = (5, 4), Window((3, 3), (stride, stride), (1, 1))
    convs = [conv_of(c, c, 3, padding=1, stride=stride, groups=c) for c in (2, 3)]
    matrices = Matrices(window, size)
    steps = [Depthwise(conv, size, matrices.append(conv)) for conv in convs]
    rows, _ = matrices.run()
    assert len(rows) == 5
    for step, conv in zip(steps, convs, strict=True):
        check_step(step, conv, [random_maps(conv.in_channels, 3, *size)], rows)


def test_gradients_of_matrices_come_back_to_the_weights_that_were_used() -> None:
    size, window = (4, 4), Window((3, 3), (1, 1), (1, 1))
    used, unused = (conv_of(2, 2, 3, padding=1, groups=2) for _ in range(2))
    matrices = Matrices(window, size)
    steps = [Depthwise(conv, size, matrices.append(conv)) for conv in (unused, used)]
    rows, _ = matrices.run()
    images = random_maps(2, 3, *size)
    _, saved = steps[1].run(to_rows(images), rows)
    gradient = random_maps(2, 3, *size, seed=1)
    back = Back({}, saved, to_rows(gradient), False, [None, None])
    steps[1].pull(back)
    matrices.pull(back)
    (truth,) = torch.autograd.grad(used(images), used.weight, gradient)
    torch.testing.assert_close(back.weights[used.weight], truth)
    assert unused.weight not in back.weights


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0)])
def test_the_first_convolution_reads_images(stride, padding) -> None:
    conv = conv_of(3, 4, 3, stride=stride, padding=padding)
    images = random_maps(3, 2, 7, 6).contiguous(memory_format=torch.channels_last)
    step = First(conv, (7, 6))
    made, saved = step.run(images)
    truth = conv(images)
    torch.testing.assert_close(made, to_rows(truth.detach()))
    back = Back({}, saved, torch.ones_like(made), False, [None])
    assert list(step.pull(back)) == []
    truth.sum().backward()
    torch.testing.assert_close(back.weights[conv.weight], conv.weight.grad)
