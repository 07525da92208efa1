from __future__ import annotations

import numpy as np
import pytest

from tasks.report.paired_test import mcnemar


def answers(num: int, *right: range) -> np.ndarray:
    found = np.zeros(num, bool)
    for each in right:
        found[each] = True
    return found


def test_the_exact_value_is_that_of_the_binomial() -> None:
    first, second = answers(100, range(60), range(60, 70)), answers(100, range(60), range(70, 72))
    found = mcnemar(first, second)
    assert (found.num, found.only_first, found.only_second) == (100, 10, 2)
    assert found.p_value == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert found.is_first_better
    worse = mcnemar(second, first)
    assert worse.p_value == found.p_value
    assert not worse.is_first_better, "a difference in the other direction is none"


def test_a_lead_that_chance_explains_is_none() -> None:
    found = mcnemar(answers(100, range(9)), answers(100, range(9, 12)))
    assert found.only_first == 3 * found.only_second
    assert found.p_value > 0.05
    assert not found.is_first_better


def test_the_same_answers_differ_in_nothing() -> None:
    found = mcnemar(answers(5, range(3)), answers(5, range(3)))
    assert (found.p_value, found.is_first_better) == (1.0, False)


def test_equal_models_seldom_win() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.random((400, 2, 200)) < 0.5
    wins = sum(mcnemar(*pair).is_first_better for pair in pairs)
    assert 0 < wins <= 20, "one in forty at most, and a few more by chance"


def test_answers_to_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the same items, got \(3,\), \(4,\)"):
        mcnemar(answers(3), answers(4))
