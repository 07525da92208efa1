from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.core.errors import DataError
from tasks.graspgan.judging.areas import Test as Judged


def judged(num_scenes: int = 60, seed: int = 0) -> tuple[Judged, np.ndarray]:
    """A test set, and scores that know a little."""
    rng = np.random.default_rng(seed)
    scenes = np.repeat(np.arange(num_scenes), 8)
    hard = rng.normal(size=num_scenes)[scenes]
    success = rng.random(len(scenes)) < 0.3
    return Judged(success, scenes), success + 0.7 * hard + rng.normal(size=len(scenes))


def test_the_area_is_that_of_the_roc_curve() -> None:
    test, scores = judged()
    found = test.area([scores])
    assert found.value == pytest.approx(roc_auc_score(test.success, scores))
    assert found.low < found.value < found.high
    assert found.num == 480


def test_what_is_hard_for_both_cancels_in_the_difference() -> None:
    test, scores = judged()
    rng = np.random.default_rng(1)
    better = scores + 0.3 * test.success + 0.05 * rng.normal(size=len(scores))
    apart = test.difference([better], [scores])
    assert apart.value == pytest.approx(test.area([better]).value - test.area([scores]).value)
    assert apart.error < 0.5 * test.area([scores]).error
    assert apart.in_errors > 3
    same = test.difference([scores], [scores])
    assert (same.value, same.error) == (0, 0)


def test_seeds_that_differ_widen_the_error() -> None:
    test, scores = judged()
    spreads = enumerate((0.1, 2.0, 0.5))
    noisy = [scores + s * np.random.default_rng(k).normal(size=480) for k, s in spreads]
    of_seeds = np.std([test.area([each]).value for each in noisy], ddof=1) / np.sqrt(3)
    assert test.area(noisy).error > of_seeds


def test_trees_are_compared_with_all_seeds() -> None:
    test, scores = judged()
    rng = np.random.default_rng(1)
    seeds = [scores + rng.normal(size=480) for _ in range(3)]
    for found in (test.difference(seeds, [scores]), test.difference([scores], seeds)):
        assert abs(found.value) == pytest.approx(
            abs(test.area(seeds).value - test.area([scores]).value)
        )
        of_seeds = np.std([test.area([each]).value for each in seeds], ddof=1) / np.sqrt(3)
        assert found.error > of_seeds > 0


def test_seeds_that_differ_widen_a_share_of_a_gap() -> None:
    test, scores = judged(200)
    low, high = [scores] * 3, [scores + 1.0 * test.success] * 3
    alike = test.closed_share(low, [scores + 0.45 * test.success] * 3, high)
    apart = test.closed_share(low, [scores + k * test.success for k in (0.1, 0.45, 0.8)], high)
    assert alike is not None
    assert apart is not None
    assert apart.high - apart.low > 3 * (alike.high - alike.low)


def test_as_much_is_drawn_as_seeds_and_scenes_vary() -> None:
    test, scores = judged(200)
    seeds = [scores + k * test.success for k in (0.0, 0.3, 0.6)]
    assert test.drawn(seeds)[0] == pytest.approx(test.area(seeds).value)
    assert test.drawn(seeds)[1:].std() == pytest.approx(test.area(seeds).error, rel=0.05)


def test_a_share_of_a_gap_has_the_interval_that_it_deserves() -> None:
    test, scores = judged(200)
    high = scores + 1.0 * test.success
    half = scores + 0.45 * test.success
    share = test.closed_share([scores], [half], [high])
    assert share is not None
    assert 0.3 < share.low < share.value < share.high < 0.8
    none = test.closed_share([scores], [half], [scores + 1e-3 * test.success])
    assert none is not None
    assert none.high - none.low > 10 * (share.high - share.low)
    assert test.closed_share([high], [half], [scores]) is None, "there is no gap"


def test_parts_are_judged_apart() -> None:
    test, scores = judged()
    near = np.arange(480) % 2 == 0
    assert test.part(near).area([scores[near]]).value == pytest.approx(
        roc_auc_score(test.success[near], scores[near])
    )


def test_one_outcome_alone_is_refused() -> None:
    with pytest.raises(DataError, match="expected successes and failures among 3 attempts"):
        Judged(np.zeros(3, bool), np.arange(3))


def test_few_scenes_have_no_error() -> None:
    for num, is_enough in ((9, False), (10, True)):
        test, scores = judged(num)
        better = [scores + 0.5 * test.success]
        found = test.difference(better, [scores])
        share = test.closed_share([scores], better, [scores + 1.0 * test.success])
        assert found.value > 0
        assert share is not None
        stated = (found.error, found.low, found.high, share.low, share.high)
        assert [each is not None for each in stated] == 5 * [is_enough]
