"""Intervals by resampling groups."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bootstrap import figure_of, ratio


def test_the_value_is_the_ratio_of_the_sums():
    columns = np.array([[1.0, 10.0], [3.0, 10.0], [8.0, 20.0]])

    assert figure_of(columns, ratio(0, 1)).value == pytest.approx(12 / 40)


def test_groups_that_agree_leave_no_doubt():
    columns = np.tile([2.0, 5.0], (20, 1))

    assert figure_of(columns, ratio(0, 1)).interval == pytest.approx((0.4, 0.4))


def test_the_interval_of_independent_flips_is_that_of_the_binomial():
    flips = (np.random.default_rng(3).random(2000) < 0.3).astype(float)
    columns = np.stack([flips, np.ones(2000)], axis=1)

    low, high = figure_of(columns, ratio(0, 1)).interval

    expected = 2 * 1.96 * np.sqrt(flips.mean() * (1 - flips.mean()) / 2000)
    assert high - low == pytest.approx(expected, rel=0.08)


def test_attempts_that_share_a_scene_widen_the_interval():
    scenes = (np.random.default_rng(3).random(100) < 0.5).astype(float)
    alone = np.stack([np.repeat(scenes, 10), np.ones(1000)], axis=1)
    shared = np.stack([scenes * 10, np.full(100, 10.0)], axis=1)

    narrow, wide = (figure_of(columns, ratio(0, 1)).interval for columns in (alone, shared))

    assert wide[1] - wide[0] > 2.5 * (narrow[1] - narrow[0])


def test_one_group_has_no_interval():
    with pytest.raises(ValueError, match="two or more groups"):
        figure_of(np.array([[1.0, 2.0]]), ratio(0, 1))
