"""Random search draws uniformly, whatever it is told."""

from __future__ import annotations

import numpy as np

from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.space.decisions import DecisionSpace

SPACE = DecisionSpace((4, 3, 1), ("operation", "input", "only"))


def children(num: int, told: float | None = None) -> np.ndarray:
    searcher = RandomSearch(SPACE, np.random.default_rng(0))
    found = []
    for _ in range(num):
        found.append(searcher.ask())
        if told is not None:
            searcher.tell(found[-1], told * found[-1][0])
    return np.array(found)


def test_every_choice_is_equally_likely() -> None:
    found = children(2400)
    for place, count in enumerate(SPACE.num_choices):
        shares = np.bincount(found[:, place], minlength=count) / len(found)
        assert np.abs(shares - 1 / count).max() < 5 * np.sqrt(0.25 / len(found))
    both = np.unique(found[:, :2], axis=0)
    assert len(both) == 12, "decisions don't depend on one another"


def test_rewards_change_nothing() -> None:
    np.testing.assert_array_equal(children(100), children(100, told=1.0))
