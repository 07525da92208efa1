from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from tasks.serving.figures.summary import Summary, summary_of
from tasks.serving.figures.times import Times


def times_of(took_s, batch_size=4.0):
    times = Times()
    for each in took_s:
        times.add((each, each / 2, each / 4, batch_size))
    return times


def test_quantiles_are_near_those_of_the_answers():
    took_s = np.random.default_rng(0).uniform(0.05, 0.1, 2000)
    found = summary_of([times_of(took_s[:500]), times_of(took_s[500:])], Counter())
    assert found.p50_s == pytest.approx(np.quantile(took_s, 0.5), rel=0.02)
    assert found.p99_s == pytest.approx(np.quantile(took_s, 0.99), rel=0.02)
    assert found.num_answered == 2000
    assert found.took_s == pytest.approx(took_s.sum())
    assert found.queued_s == pytest.approx(took_s.sum() / 2)
    assert found.computed_s == pytest.approx(took_s.sum() / 4)
    assert found.batch_size == 4


def test_what_is_slower_than_all_bounds_is_the_last_bound_and_one_answer_is_enough():
    assert summary_of([times_of([100.0])], Counter()).p50_s == 30
    assert summary_of([times_of([0.00005])], Counter()).p99_s <= 0.0001


def test_failures_alone_have_no_times():
    found = summary_of([], Counter({("rest", "INTERNAL"): 2, ("grpc", "CANCELLED"): 1}))
    assert (found.num_answered, found.num_failed) == (0, 3)
    assert math.isnan(found.p50_s)
    assert math.isnan(Summary().batch_size)
