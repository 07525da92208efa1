"""Windows in single precision; in double precision the steps are checked, in all their forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, max_pool2d

from tasks.nas.models.layout.kernels import windows
from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.windows import Window, table

ZERO = np.float32(0)
NUM_CHANNELS, SIDE, NUM_TAPS = 3, 6, 9


@pytest.mark.parametrize("num_images", [16, 64, 80])
@pytest.mark.parametrize("stride", [1, 2])
def test_sums_with_a_bias_and_the_gradient_of_weights(num_images, stride) -> None:
    torch.manual_seed(0)
    made = table(Window((3, 3), (stride, stride), (1, 1)), (SIDE, SIDE))
    x, w = torch.randn(NUM_CHANNELS, SIDE, SIDE, num_images), torch.randn(NUM_CHANNELS, 1, 3, 3)
    bias, weights = torch.randn(NUM_CHANNELS), w.clone().requires_grad_()
    truth = conv2d(x.permute(3, 0, 1, 2), weights, bias, stride, 1, groups=NUM_CHANNELS)
    truth = truth.permute(1, 2, 3, 0)
    y, g = torch.empty(truth.shape), torch.randn(truth.shape)
    reads, sizes = made.reads, (SIDE**2, made.reads.num_positions, num_images)
    windows.weighted(
        ZERO, w.data_ptr(), NUM_TAPS, 0, x.data_ptr(), y.data_ptr(), bias.data_ptr(),
        *reads.addresses, NUM_CHANNELS, 0, *sizes, False,
    )  # fmt: skip
    torch.testing.assert_close(y, truth)
    found, sums = torch.empty_like(w), torch.empty(NUM_TAPS * NUM_LANES)
    windows.weighted_back(
        ZERO, g.data_ptr(), x.data_ptr(), sums.data_ptr(), found.data_ptr(), *reads.addresses,
        NUM_TAPS, NUM_CHANNELS, 0, *sizes,
    )  # fmt: skip
    torch.testing.assert_close(found, *torch.autograd.grad(truth, weights, g), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_images", [16, 80])
def test_greatest_numbers_and_their_gradient(num_images) -> None:
    torch.manual_seed(0)
    reads = table(Window((3, 3), (2, 2), (1, 1)), (SIDE, SIDE)).reads
    x = torch.randn(NUM_CHANNELS, SIDE, SIDE, num_images).round().requires_grad_()
    truth = max_pool2d(x.permute(3, 0, 1, 2), 3, 2, 1).permute(1, 2, 3, 0)
    y, g, found = torch.empty(truth.shape), torch.randn(truth.shape), torch.zeros(x.shape)
    sizes = NUM_CHANNELS, SIDE**2, reads.num_positions, num_images
    windows.greatest(ZERO, x.data_ptr(), y.data_ptr(), *reads.addresses[:2], *sizes)
    assert torch.equal(y, truth)
    windows.greatest_back(
        ZERO, g.data_ptr(), x.data_ptr(), y.data_ptr(), found.data_ptr(), *reads.addresses[:2],
        *sizes,
    )  # fmt: skip
    torch.testing.assert_close(found, *torch.autograd.grad(truth, x, g))
