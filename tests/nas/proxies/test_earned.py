from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.nas.proxies.earned import earned_weights, lower_end, rank_sums


def children(num, slope, seed=0):
    """Children with a proxy that follows the rewards as far as the slope says, and chance."""
    rng = np.random.default_rng(seed)
    rewards = rng.standard_normal(num)
    good = slope * rewards + rng.standard_normal(num)
    chance = rng.standard_normal(num)
    rows = [{"good": float(a), "chance": float(b)} for a, b in zip(good, chance, strict=True)]
    return rows, [*map(float, rewards)]


def test_nothing_is_earned_before_twenty_children():
    scores, rewards = children(20, 5.0)
    assert earned_weights(scores[:19], rewards[:19]) == {}
    assert earned_weights(scores, rewards).keys() == {"good"}


def test_weight_is_the_rank_correlation():
    scores = [{"good": float(k)} for k in range(30)]
    assert earned_weights(scores, [k**3 for k in range(30)]) == pytest.approx({"good": 1.0})


def test_a_proxy_that_ranks_the_wrong_way_earns_nothing():
    scores, rewards = children(50, -5.0)
    assert "good" not in earned_weights(scores, rewards)


def test_chance_rarely_earns_a_weight():
    """The lower end of a two-sided 95 % interval is above zero in one of forty."""
    num = sum("chance" in earned_weights(*children(40, 1.0, seed)) for seed in range(400))
    assert 1 <= num <= 24


def test_flat_scores_and_rewards_earn_nothing():
    scores = [{"flat": 1.0, "good": float(k)} for k in range(30)]
    assert "flat" not in earned_weights(scores, list(range(30)))
    assert earned_weights(scores, [0.5] * 30) == {}


def test_lower_end_is_fishers():
    error = np.sqrt((1 + 0.18) / 97)
    assert lower_end(0.6, 100) == pytest.approx(np.tanh(np.arctanh(0.6) - 1.96 * error))
    assert lower_end(1.0, 30) > 0.99
    assert lower_end(-1.0, 30) < 0


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.floats(0.1, 5))
def test_order_by_one_proxy_is_its_own(values, weight):
    sums = rank_sums([{"a": value} for value in values], {"a": weight})
    assert values[int(np.argmax(sums))] == max(values)


def test_ranks_are_weighted_and_what_is_not_finite_is_the_lowest():
    rows = [{"a": 1.0, "b": 3.0}, {"a": 2.0, "b": np.nan}, {"a": -np.inf, "b": 4.0}]
    np.testing.assert_allclose(rank_sums(rows, {"a": 1.0, "b": 0.5}), [2 + 1, 3 + 0.5, 1 + 1.5])
