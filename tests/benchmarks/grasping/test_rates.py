"""Rates, their ratios and the shares of the time."""

from __future__ import annotations

import cProfile
import time

import numpy as np
import pytest

from benchmarks.grasping.rates import figures_of, jobs, shares_of

NAMES = (*jobs(0, 1), "baseline")


def rounds(attempts: float, cpu_s: float, successes: float) -> np.ndarray:
    return np.tile([attempts, cpu_s, successes], (6, 1))


def test_rates_are_attempts_over_cpu_seconds_and_ratios_compare_them():
    columns = {name: rounds(100, 4.0, 30) for name in NAMES}
    columns["baseline"] = rounds(3, 6.0, 1)
    columns["closed_loop"] = rounds(20, 4.0, 5)

    figures = figures_of(columns, kernel_s=0.1)

    assert figures["attempts_per_cpu_s_64px"].value == pytest.approx(25.0)
    assert figures["one_shot_ratio"].value == pytest.approx(50.0)
    assert figures["closed_loop_ratio"].value == pytest.approx(10.0)
    assert figures["attempt_128px_kernels"].value == pytest.approx(0.4)
    assert figures["success_baseline"].value == pytest.approx(1 / 3)


def test_a_slow_machine_slows_both_and_leaves_the_ratio():
    slow = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])[:, np.newaxis] * np.array([[0.0, 1.0, 0.0]])
    columns = {name: rounds(100, 0.0, 30) + slow for name in NAMES}
    columns["baseline"] = rounds(2, 0.0, 1) + slow

    figures = figures_of(columns, kernel_s=0.1)

    assert figures["one_shot_ratio"].value == pytest.approx(50.0)
    assert figures["one_shot_ratio"].interval == pytest.approx((50.0, 50.0))
    low, high = figures["attempts_per_cpu_s_64px"].interval
    assert low < 50.0 < high


def stepSimulation() -> None:  # noqa: N802  (named as the engine's function)
    end = time.process_time() + 0.06
    while time.process_time() < end:
        pass


def imencode() -> None:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass


def test_time_is_divided_among_kinds_of_functions():
    profile = cProfile.Profile(time.process_time)
    profile.runcall(lambda: (stepSimulation(), imencode()))

    shares = shares_of(profile)

    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["physics"] > shares["encode"] > shares["render"] == 0.0
