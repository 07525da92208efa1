from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.report.estimates import (
    Estimate,
    difference,
    mean_estimate,
    rank_correlation,
    spearman,
    wilson,
)


def test_mean_has_the_t_interval():
    found = mean_estimate([1.0, 2.0, 3.0])

    assert found.value == 2.0
    assert found.error == pytest.approx(1 / np.sqrt(3))
    assert found.high - found.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert found.value - found.low == pytest.approx(found.high - found.value)
    assert found.in_errors == pytest.approx(2 * np.sqrt(3))


def test_one_observation_has_no_interval():
    assert mean_estimate([0.4]) == Estimate(0.4, None, None, None, 1)
    assert mean_estimate([0.4]).in_errors is None


def test_no_observation_is_refused():
    with pytest.raises(ValueError, match="at least one observation"):
        mean_estimate([])


def test_seeds_are_paired_where_they_match():
    noise = {0: 0.0, 1: 5.0, 2: -7.0}
    first = {seed: 1.0 + shift for seed, shift in noise.items()}

    found = difference(first, noise)

    assert (found.value, found.num) == (1.0, 3)
    assert found.error == pytest.approx(0.0)


def test_other_seeds_are_two_independent_samples():
    first, second = [1.0, 2.0, 4.0, 4.5], [0.5, 0.7, 0.1]
    oracle = stats.ttest_ind(first, second, equal_var=False)

    found = difference(dict(enumerate(first)), dict(enumerate(second, 10)))

    assert found.in_errors == pytest.approx(oracle.statistic)
    assert (found.low, found.high) == pytest.approx((*oracle.confidence_interval(0.95),))


def test_samples_of_one_value_each_have_a_difference_without_doubt():
    equal = difference({0: 0.5, 1: 0.5}, {5: 0.2, 6: 0.2})
    assert (equal.error, equal.low, equal.high) == (0.0, equal.value, equal.value)
    assert equal.value == pytest.approx(0.3)
    one_varies = difference({0: 0.5, 1: 0.5}, {5: 0.2, 6: 0.4})
    assert (one_varies.value, one_varies.error) == (pytest.approx(0.2), pytest.approx(0.1))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_of_a_share_is_scipys(counts):
    oracle = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_interval_of_a_share_by_hand():
    # 15 of 50 at z = 1.96: (0.3 + 0.0384) / 1.0768 -+ 1.96 * sqrt(0.0042 + 0.00038416) / 1.0768
    assert wilson(15, 50) == (pytest.approx(0.1910, abs=2e-4), pytest.approx(0.4375, abs=2e-4))
    assert wilson(8, 20) == (pytest.approx(0.2188, abs=1e-4), pytest.approx(0.6134, abs=1e-4))
    assert (wilson(0, 5)[0], wilson(5, 5)[1]) == (0.0, 1.0)
    assert wilson(2.5, 7.5)[0] < 1 / 3 < wilson(2.5, 7.5)[1]


def test_single_trainings_have_a_difference_without_interval():
    assert difference({0: 2.0}, {5: 0.5}) == Estimate(1.5, None, None, None, 1)


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=30))
def test_rank_correlation_is_scipys(rows):
    pairs = np.array(rows, float)
    if (np.ptp(pairs, axis=0) == 0).any():
        return
    assert rank_correlation(pairs) == pytest.approx(stats.spearmanr(*pairs.T).statistic, abs=1e-9)


def test_interval_of_a_correlation_covers_the_truth():
    """Nine or more of ten 95 % intervals hold the rank correlation of the normal distribution."""
    truth = 6 / np.pi * np.arcsin(0.7 / 2)
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(60):
        pairs = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=60)
        found = spearman(pairs, rng)
        hits += found.low <= truth <= found.high
    assert hits >= 52


def test_perfect_order_has_a_correlation_of_one():
    pairs = np.array([[x, x**3] for x in range(10)], float)
    found = spearman(pairs, np.random.default_rng(0))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize("rows", [[], [[1, 2], [2, 3], [3, 4]], [[1, 2]] * 8])
def test_too_few_or_flat_pairs_give_no_interval(rows):
    found = spearman(np.array(rows, float).reshape(-1, 2), np.random.default_rng(0))
    assert found == Estimate(0.0, None, None, None, len(rows))
