"""Products against torch's own, for numbers of rows and columns that tiles don't fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.nas.models.layout.kernels.lanes import NUM_LANES
from tasks.nas.models.layout.kernels.products import outer, product

SIZES = [(8, 4, 128), (5, 6, 80), (1, 1, 16), (9, 3, 1040)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_weights_times_a_map(size, kind) -> None:
    num_o, num_i, num_m = size
    torch.manual_seed(0)
    w, x, bias = (torch.randn(shape).numpy() for shape in ((num_o, num_i), (num_i, num_m), num_o))
    w, x, bias = (torch.from_numpy(each.astype(kind)) for each in (w, x, bias))
    y, back = x.new_empty(num_o, num_m), torch.ones_like(x)
    zero, sizes = kind(0), (num_o, num_i, num_m)
    product(
        zero, w.data_ptr(), num_i, 1, x.data_ptr(), y.data_ptr(), bias.data_ptr(), *sizes, False
    )
    torch.testing.assert_close(y, w @ x + bias[:, None])
    sizes = num_i, num_o, num_m
    product(zero, w.data_ptr(), 1, num_i, y.data_ptr(), back.data_ptr(), 0, *sizes, True)
    torch.testing.assert_close(back, 1 + w.t() @ y)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_gradient_times_a_map(size, kind) -> None:
    num_o, num_i, num_m = size
    torch.manual_seed(0)
    g = torch.from_numpy(torch.randn(num_o, num_m).numpy().astype(kind))
    x = torch.from_numpy(torch.randn(num_i, num_m).numpy().astype(kind))
    found, sums = g.new_empty(num_o, num_i), g.new_empty(num_o * num_i * NUM_LANES)
    outer(
        kind(0), g.data_ptr(), x.data_ptr(), sums.data_ptr(), found.data_ptr(), num_o, num_i, num_m
    )
    torch.testing.assert_close(found, g @ x.t(), rtol=1e-4, atol=1e-4)
