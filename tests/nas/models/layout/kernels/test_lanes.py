"""What kernels are made of, and when they are compiled anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.nas.models.layout.kernels import lanes
from tasks.nas.models.layout.kernels.lanes import (
    NUM_LANES,
    fma,
    if_equal,
    if_greater,
    kernel,
    load,
    plus,
    put,
    spread,
    store,
    total,
    value_at,
)


@kernel
def everything(zero: float, x: int, y: int, sums: int) -> None:
    nothing = spread(zero, zero)
    one = load(zero, x, 0)
    store(fma(one, spread(zero, value_at(zero, x, 3)), one), y, 0)
    store(if_greater(one, nothing, plus(one, one), nothing), y, NUM_LANES)
    store(if_equal(one, spread(zero, value_at(zero, x, 3)), one, nothing), y, 2 * NUM_LANES)
    put(zero, total(one), sums, 1)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_operations_on_sixteen_numbers(kind) -> None:
    x = torch.from_numpy(np.linspace(-2, 3, NUM_LANES).astype(kind))
    y, sums = x.new_empty(3, NUM_LANES), x.new_zeros(3)
    everything(kind(0), x.data_ptr(), y.data_ptr(), sums.data_ptr())
    torch.testing.assert_close(y[0], x * x[3] + x)
    torch.testing.assert_close(y[1], 2 * x.relu())
    assert y[2].tolist() == [each if place == 3 else 0 for place, each in enumerate(x.tolist())]
    torch.testing.assert_close(sums, torch.stack([x[0] * 0, x.sum(), x[0] * 0]))


def test_what_is_not_a_number_counts_as_greater() -> None:
    x = torch.full((NUM_LANES,), torch.nan)
    y, sums = x.new_empty(3, NUM_LANES), x.new_zeros(3)
    everything(np.float32(0), x.data_ptr(), y.data_ptr(), sums.data_ptr())
    assert y[1].isnan().all()


def test_a_kernel_that_was_kept_is_not_taken_for_other_operations(monkeypatch) -> None:
    cache, key = lanes._Cache(everything.py_func), ("signature", "codegen")

    class Codegen:
        def magic_tuple(self):
            return key

    first = cache._index_key("signature", Codegen())
    assert first == cache._index_key("signature", Codegen())
    monkeypatch.setattr(lanes, "_SOURCE", "another digest")
    assert first != cache._index_key("signature", Codegen())
