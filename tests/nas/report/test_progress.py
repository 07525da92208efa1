from __future__ import annotations

import numpy as np
import pytest
from scipy.special import comb

from tasks.nas.manifests import SearchLog, Trial
from tasks.nas.report.progress import (
    accuracies_at,
    agreement,
    best_so_far,
    control_band,
    control_band_by_time,
    display_name,
    operation_shares,
)
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.types import Genotype, Operation
from tests.support.nas.genotypes import chain
from tests.support.nas.search_runs import RUNGS, images, search_log

CELLS = {
    "a": Genotype(chain(Operation.SEP_CONV_3X3), chain(Operation.SEP_CONV_3X3)),
    "b": Genotype(chain(Operation.MAX_POOL_3X3), chain(Operation.SEP_CONV_3X3)),
}


def log_of(*rows, control="r") -> SearchLog:
    """Rows of (search, hash, rung, accuracy, CPU seconds)."""
    trials = tuple(
        Trial(
            search=search,
            genotype_hash=name,
            rung=rung,
            accuracy=accuracy,
            reason="" if accuracy is not None else "NaN",
            num_params=1,
            mult_adds=1,
            cpu_s=cpu_s,
            is_reused=cpu_s == 0,
        )
        for search, name, rung, accuracy, cpu_s in rows
    )
    return SearchLog(
        images=images(),
        rungs=RUNGS,
        searches=tuple(dict.fromkeys(t.search for t in trials)),
        control=control,
        trials=trials,
        genotypes={name: GenotypeRecord.of(cells) for name, cells in CELLS.items()},
        accuracy=0.5,
        children_cpu_s=1.0,
        driver_cpu_s=1.0,
    )


def test_best_so_far_pays_for_what_others_trained_but_not_twice():
    log = log_of(
        ("r", "a", 0, 0.3, 4.0),
        ("e", "b", 0, None, 1.0),
        ("e", "a", 0, 0.3, 0.0),
        ("e", "a", 1, 0.9, 10.0),
        ("e", "a", 0, 0.3, 0.0),
        ("e", "c", 0, 0.2, 2.0),
    )
    found = best_so_far(log, "e", 0)

    np.testing.assert_equal(found.best, [np.nan, 0.3, 0.3, 0.3])
    np.testing.assert_allclose(found.cpu_s, [1.0, 5.0, 5.0, 7.0])


def test_band_is_that_of_draws_without_replacement():
    """Quantiles of the best of k among n: P(best is the j-th or worse) = C(j, k) / C(n, k)."""
    rewards = np.random.default_rng(0).permutation(np.arange(1.0, 31.0))
    log = log_of(*(("r", f"c{k}", 0, reward, 1.0) for k, reward in enumerate(rewards)))

    band = control_band(log, 0, np.random.default_rng(0))

    for k in (1, 5, 20, 30):
        chances = comb(np.arange(1, 31), k) / comb(30, k)
        for quantile, found in ((0.1, band.low), (0.5, band.median), (0.9, band.high)):
            exact = 1 + int(np.searchsorted(chances, quantile))
            assert found[k - 1] == pytest.approx(exact, abs=2), (k, quantile)
    assert band.low[-1] == band.high[-1] == 30


def test_band_by_time_counts_one_rung_and_ends_at_the_best():
    log = log_of(
        ("r", "a", 0, 0.3, 1.0),
        ("r", "a", 1, 0.6, 8.0),
        ("r", "b", 0, 0.1, 1.0),
        ("r", "c", 0, 0.2, 0.1),
    )
    band = control_band_by_time(log, 0, np.random.default_rng(0), num_times=5)

    assert band.at[0] == pytest.approx(1.0)  # the dearest child
    assert band.at[-1] == pytest.approx(2.1)
    assert band.low[-1] == band.high[-1] == 0.3


def test_bands_repeat_with_the_same_generator():
    log = search_log(num_children=20)
    first, second = (control_band(log, 0, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.low, second.low)


def test_rungs_are_compared_over_children_that_both_trained():
    log = log_of(
        ("r", "a", 0, 0.1, 1.0),
        ("e", "a", 1, 0.5, 1.0),
        ("r", "b", 0, 0.2, 1.0),
        ("e", "b", 1, 0.6, 1.0),
        ("e", "a", 0, 0.1, 0.0),
        ("e", "c", 0, 0.9, 1.0),
        ("r", "d", 0, 0.3, 1.0),
        ("r", "d", 1, None, 1.0),
    )
    found = agreement(log, 0, 1, np.random.default_rng(0))

    np.testing.assert_array_equal(found.pairs, [[0.1, 0.5], [0.2, 0.6]])
    assert found.spearman.low is None
    assert accuracies_at(log, 1) == {"a": 0.5, "b": 0.6}


def test_shares_follow_what_is_chosen():
    log = log_of(*[("e", "a", 0, 0.1, 1.0)] * 2, *[("e", "b", 0, 0.1, 1.0)] * 2)
    middles, operations, shares = operation_shares(log, "e", 0, num_windows=2)

    np.testing.assert_allclose(middles, [1.5, 3.5])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    column = operations.index(Operation.MAX_POOL_3X3)
    np.testing.assert_allclose(shares[:, column], [0.0, 1 / 4])


def test_readers_see_which_search_is_the_control():
    log = log_of(("random-7", "a", 0, 0.1, 1.0), control="random-7")
    assert display_name(log, "random-7") == "random-7 (control)"
    assert display_name(log, "evolution-0") == "evolution-0"
    assert display_name(log_of(control="control"), "control") == "control"
