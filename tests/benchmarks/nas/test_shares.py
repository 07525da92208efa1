"""Shares of a training step."""

from __future__ import annotations

import pytest
import torch

from benchmarks.nas.shares import measure, shares


def test_what_is_in_no_step_is_overhead() -> None:
    found = shares({"relu_run": 0.1, "norm_pull": 0.3}, 0.5)
    assert {name: figure.value for name, figure in found.items()} == pytest.approx(
        {"share_norm_pull": 0.6, "share_relu_run": 0.2, "share_overhead": 0.2}
    )


def test_a_step_is_measured() -> None:
    num_threads = torch.get_num_threads()
    try:
        found = measure(2)
    finally:
        torch.set_num_threads(num_threads)
    assert sum(f.value for name, f in found.items() if name.startswith("share_")) == pytest.approx(
        1
    )
    assert found["step_gflops"].value > 0
    assert found["share_normed_pull"].value > 0
