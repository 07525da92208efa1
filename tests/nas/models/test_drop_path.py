"""Paths are dropped for whole examples, more in depth and late, and keep their mean."""

from __future__ import annotations

import pytest
import torch

from tasks.nas.models.drop_path import DropPath


def test_the_rate_grows_with_depth_and_time() -> None:
    module = DropPath(depth=0.5)
    rates = []
    for progress in (0.0, 0.5, 1.0):
        module.schedule(0.4, progress)
        rates.append(module.rate)
    assert rates == pytest.approx([0.0, 0.1, 0.2])


def test_whole_examples_are_dropped_and_the_mean_stays() -> None:
    torch.manual_seed(0)
    module = DropPath(1.0)
    module.schedule(0.3, 1.0)
    found = module(torch.ones(4000, 2, 3, 3)).flatten(1)
    assert found.eq(found[:, :1]).all()
    assert found.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert found.mean() == pytest.approx(1.0, abs=0.04)


def test_nothing_is_dropped_in_evaluation() -> None:
    module = DropPath(1.0).eval()
    module.schedule(0.9, 1.0)
    path = torch.rand(5, 2, 3, 3)
    assert module(path) is path
