"""What the example at the paper's sizes would take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.graspgan.full_size import EXAMPLE, Costs, _counted, figures
from tasks.core.params import load_config
from tasks.graspgan.config import TrainGraspganConfig


def test_costs_are_multiplied_by_what_the_example_asks_for() -> None:
    config = load_config(TrainGraspganConfig, EXAMPLE)
    costs = Costs(0.1, 0.5, 0.2, 1.0, 10.0, 20.0, 30.0, 40.0)
    found = figures(costs, config)
    num = config.collect.num_train
    assert found["full_collect_core_hours"].value == pytest.approx(2 * (num + 40_000) * 0.1 / 3600)
    # Simulation plain, random, structured and cut; the target with labels and without.
    assert found["full_memory_tb"].value == pytest.approx(6 * num / 1e6)
    more = replace(config, collect=replace(config.collect, targets="both"))
    assert figures(costs, more)["full_memory_tb"].value == pytest.approx(9 * num / 1e6)
    assert figures(costs, more)["full_gpu_hours"].value > found["full_gpu_hours"].value


def test_arithmetic_and_what_is_kept_are_counted() -> None:
    weights = torch.rand(8, 16, requires_grad=True)
    given = torch.rand(4, 8)
    gflop, kept_mb = _counted(lambda: torch.mm(given, weights).sum().backward(), 4)
    assert gflop == pytest.approx(2 * 2 * 8 * 16 / 1e9)  # forwards, and back to the weights
    assert kept_mb * 1e6 * 4 == 4 * given.numel()
