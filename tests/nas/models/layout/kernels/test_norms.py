"""Batch norm of rows in single precision; in double precision the step is checked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm

from tasks.nas.models.layout.kernels.norms import standardised, standardised_back

ZERO, EPS = np.float32(0), 1e-3


@pytest.mark.parametrize("num_values", [16, 80, 1024])
@pytest.mark.parametrize("mean", [0.0, 300.0])
@pytest.mark.parametrize("has_relu", [False, True])
def test_a_row_far_from_zero_loses_no_digits(num_values, mean, has_relu) -> None:
    torch.manual_seed(0)
    x = mean + torch.randn(3, num_values)
    weight, bias = torch.randn(3), torch.randn(3)
    leaves = [each.double().requires_grad_() for each in (x, weight, bias)]
    truth = batch_norm(leaves[0].t(), None, None, *leaves[1:], True, eps=EPS).t()
    truth = truth.relu() if has_relu else truth
    y, kept, g = torch.empty_like(x), torch.empty(2, 3), torch.randn(x.shape)
    standardised(
        ZERO, x.data_ptr(), weight.data_ptr(), bias.data_ptr(), y.data_ptr(), kept.data_ptr(),
        3, num_values, num_values, EPS, has_relu,
    )  # fmt: skip
    digits = {"rtol": 1e-4, "atol": 1e-3 if mean else 1e-5, "check_dtype": False}
    torch.testing.assert_close(y, truth, **digits)
    gradients = torch.autograd.grad(truth, leaves, g.double())
    found, of_weight, of_bias = torch.empty_like(x), torch.empty(3), torch.empty(3)
    standardised_back(
        ZERO, g.data_ptr(), x.data_ptr(), y.data_ptr(), kept.data_ptr(),
        weight.data_ptr(), found.data_ptr(), of_weight.data_ptr(), of_bias.data_ptr(),
        3, num_values, num_values, has_relu,
    )  # fmt: skip
    for one, other in zip((found, of_weight, of_bias), gradients, strict=True):
        torch.testing.assert_close(
            one, other, rtol=1e-3, atol=2e-3 if mean else 1e-4, check_dtype=False
        )
