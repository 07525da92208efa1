"""Operations: sizes, what they read, and where they stride."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.nas.models.cost import num_params
from tasks.nas.models.operations import (
    FactorizedReduction,
    adapt,
    make_operation,
    reads_relu,
)
from tasks.nas.types import Operation


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (8, 2), (24, 1), (24, 2), (3, 2)])
@pytest.mark.parametrize("side", [7, 8])
def test_every_operation_gives_the_filters_and_rounds_sizes_up(
    operation, channels, stride, side
) -> None:
    module = make_operation(operation, channels, 8, stride).eval()
    found = module(torch.rand(2, channels, side, side))
    half = -(-side // stride)
    assert found.shape == (2, 8, half, half)


def test_weights_of_operations_are_those_of_their_layers() -> None:
    norm = 2 * 8
    expected = {
        Operation.IDENTITY: 0,
        Operation.MAX_POOL_5X5: 0,
        Operation.CONV_1X1: 64 + norm,
        Operation.SEP_CONV_5X5: 2 * (25 * 8 + 64 + norm),
        Operation.DILATED_SEP_CONV_5X5: 25 * 8 + 64 + norm,
        # A quarter of the filters between 1x1 convolutions; three eighths for the short row.
        Operation.CONV_3X3: 16 + 4 + 9 * 4 + 4 + 16 + norm,
        Operation.CONV_1X7_7X1: 16 + 4 + 2 * (7 * 4 + 4) + 16 + norm,
        Operation.CONV_1X3_3X1: 24 + 6 + 2 * (3 * 9 + 6) + 24 + norm,
    }
    for operation, number in expected.items():
        assert num_params(make_operation(operation, 8, 8, 1)) == number, operation


def test_tiny_operations_have_no_bottleneck() -> None:
    assert num_params(make_operation(Operation.CONV_3X3, 2, 2, 1)) == 9 * 4 + 4


def test_dilation_reaches_two_pixels_and_no_less() -> None:
    module = make_operation(Operation.DILATED_SEP_CONV_3X3, 2, 2, 1).eval()
    images = torch.zeros(1, 2, 9, 9, requires_grad=True)
    module(images)[0, :, 4, 4].sum().backward()
    touched = images.grad[0].abs().sum(0).nonzero().unique(dim=0)
    assert set(touched.flatten().tolist()) == {2, 4, 6}


def test_pools_and_plain_identities_read_states_as_they_are() -> None:
    assert not reads_relu(Operation.IDENTITY, 8, 8, 1)
    assert reads_relu(Operation.IDENTITY, 8, 8, 2)
    assert reads_relu(Operation.IDENTITY, 16, 8, 1)
    assert not reads_relu(Operation.AVG_POOL_3X3, 8, 8, 2)
    assert reads_relu(Operation.SEP_CONV_3X3, 8, 8, 1)
    average = make_operation(Operation.AVG_POOL_3X3, 1, 1, 1)
    assert average(torch.ones(1, 1, 3, 3)).eq(1).all()  # the border doesn't count as zeros


def test_a_factorised_reduction_reads_every_position_of_even_rows_or_odd_ones() -> None:
    module = FactorizedReduction(1, 2).eval()
    nn.init.ones_(module.even.weight)
    nn.init.ones_(module.odd.weight)
    images = torch.arange(25.0).reshape(1, 1, 5, 5)
    even, odd = module(images)[0] * (1 + module.norm.eps) ** 0.5
    torch.testing.assert_close(even, images[0, 0, ::2, ::2])
    torch.testing.assert_close(odd[:2, :2], images[0, 0, 1::2, 1::2])
    assert odd[2].eq(0).all()
    assert odd[:, 2].eq(0).all()


def test_adapting_what_fits_does_nothing() -> None:
    assert isinstance(adapt(8, 8, 1), nn.Identity)
    assert adapt(5, 7, 2)(torch.rand(2, 5, 9, 9)).shape == (2, 7, 5, 5)


def test_memory_stays_channels_last() -> None:
    images = torch.rand(2, 8, 8, 8).to(memory_format=torch.channels_last)
    for operation in Operation:
        for stride in (1, 2):
            module = make_operation(operation, 8, 8, stride).to(memory_format=torch.channels_last)
            found = module(images)
            assert found.is_contiguous(memory_format=torch.channels_last), (operation, stride)
