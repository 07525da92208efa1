"""Steps beside those of plain loops."""

from __future__ import annotations

import pytest
import torch

from benchmarks.graspgan.steps import Spent, Turns, figures, measure
from tasks.graspgan.samples import pools
from tasks.graspgan.samples.pools import draw
from tasks.graspgan.trainings import adapting


def test_the_headlines_are_the_worse_of_both_trainings() -> None:
    found = figures(
        {
            "c": Spent(ours=[0.1, 0.2], waiting=[0.01, 0.02], plain=[0.2, 0.4], careful=[0.1, 0.2]),
            "generator": Spent(ours=[0.4], waiting=[0.02], plain=[0.6], careful=[0.3]),
        }
    )
    assert found["step_time_ratio"].value == pytest.approx(1.5)
    assert found["step_time_ratio_c"].value == pytest.approx(2)
    assert found["step_time_ratio_generator_careful"].value == pytest.approx(0.75)
    assert found["loader_share"].value == pytest.approx(0.1)
    assert found["step_ms_c"].value == pytest.approx(150)


def test_all_loops_take_steps_and_draws_are_what_they_were() -> None:
    num_threads = torch.get_num_threads()
    try:
        found = measure(Turns(1, {"c": 1, "generator": 1}))
    finally:
        torch.set_num_threads(num_threads)
    assert found["step_time_ratio"].value > 0
    assert 0 < found["loader_share_c"].value < 1
    assert 0 < found["loader_share_generator"].value < 1
    assert pools.draw is adapting.draw is draw
