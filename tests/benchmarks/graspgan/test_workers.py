"""Trainings by one process and by two."""

from __future__ import annotations

import pytest

from benchmarks.graspgan.workers import figures, timed_training


def test_the_headline_is_the_smaller_speedup() -> None:
    found = figures(
        {
            "c": [((10.0, 9.0), (6.0, 5.0)), ((10.0, 9.0), (5.0, 4.5))],
            "generator": [((20.0, 19.0), (10.5, 10.0))],
        }
    )
    assert found["train_speedup_2_workers"] == found["train_speedup_2_workers_c"]
    assert found["train_speedup_2_workers"].value == pytest.approx((10 / 6 + 2) / 2)
    assert found["train_cpu_ratio_2_workers_generator"].value == pytest.approx(1.9)


def test_a_training_is_timed() -> None:
    wall_s, cpu_s = timed_training("c", 1, 0)
    assert wall_s > 0
    assert cpu_s > 0
