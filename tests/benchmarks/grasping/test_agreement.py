"""Comparing outcomes of the same attempts under several settings."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.grasping.agreement import SETTINGS, Shifted, figures_of
from tasks.grasping.algorithms.controllers import OneShotController
from tasks.grasping.types import GripperPose

FAST, COMPLETE, REFERENCE, JITTERED, TURNED = range(len(SETTINGS))


@pytest.fixture
def outcomes():
    """Half of all attempts succeed, whatever the settings; (scenes, attempts, settings)."""
    first = np.random.default_rng(2).permutation(np.arange(600) % 2).reshape(50, 12)
    return np.repeat(first[..., np.newaxis], len(SETTINGS), axis=-1).astype(np.float64)


def flip(outcomes, setting: int, count: int, value: float) -> None:
    """Turn so many attempts that have a value under a setting into the other."""
    where = np.argwhere(outcomes[..., setting] == value)[:count]
    outcomes[where[:, 0], where[:, 1], setting] = 1 - value


def test_equal_outcomes_agree_and_differ_in_nothing(outcomes):
    figures = figures_of(outcomes)

    assert figures["outcome_agreement"].value == 1.0
    assert figures["agreement_gap"].interval == (0.0, 0.0)
    assert figures["success_difference"].interval == (0.0, 0.0)
    assert figures["success_fast"].value == pytest.approx(0.5)
    assert figures["agreement_attempts"].value == 600


def test_flips_both_ways_cost_agreement_and_no_success(outcomes):
    flip(outcomes[:25], FAST, 15, 1.0)
    flip(outcomes[25:], FAST, 15, 0.0)

    figures = figures_of(outcomes)

    assert figures["outcome_agreement"].value == pytest.approx(1 - 30 / 600)
    assert figures["success_difference"].value == pytest.approx(0.0)
    assert figures["agreement_ceiling"].value == 1.0


def test_losses_alone_show_as_a_difference_with_its_sign(outcomes):
    flip(outcomes, FAST, 30, 1.0)
    flip(outcomes, JITTERED, 12, 1.0)

    figures = figures_of(outcomes)

    assert figures["success_difference"].value == pytest.approx(-30 / 600)
    assert figures["outcome_agreement"].value == pytest.approx(1 - 30 / 600)
    assert figures["agreement_ceiling"].value == pytest.approx(1 - 12 / 600)
    assert figures["agreement_gap"].value == pytest.approx(18 / 600)
    low, high = figures["success_difference"].interval
    assert low < -30 / 600 < high < 0


def test_early_stopping_is_compared_with_the_same_settings_without(outcomes):
    flip(outcomes, COMPLETE, 6, 1.0)
    flip(outcomes, REFERENCE, 60, 1.0)

    figures = figures_of(outcomes)

    assert figures["early_stop_agreement"].value == pytest.approx(1 - 6 / 600)
    assert figures["early_stop_success_difference"].value == pytest.approx(6 / 600)


def test_turned_grasps_are_compared_with_the_fast_ones(outcomes):
    outcomes[..., TURNED] = 1 - outcomes[..., TURNED]

    assert figures_of(outcomes)["closing_axis_agreement"].value == 0.0


def test_a_shifted_command_is_off_by_so_much_and_keeps_its_yaw_in_range():
    grasp = GripperPose(0.6, 0.1, -0.17, 1.2)
    inner = OneShotController(GripperPose(0.6, 0.0, 0.0, 0.0), grasp)
    shifted = Shifted(inner, np.array([1e-3, 0.0, -2e-3, np.pi / 2]))

    found = shifted.next_pose(0, inner.start, None)

    assert (found.x_m, found.y_m, found.z_m) == pytest.approx((0.601, 0.1, -0.172))
    assert found.yaw_rad == pytest.approx(1.2 - np.pi / 2)
    assert (shifted.start, shifted.num_steps) == (inner.start, 1)
