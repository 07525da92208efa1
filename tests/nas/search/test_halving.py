from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.nas.search.halving import Halving


def test_one_in_eta_goes_on_and_none_twice() -> None:
    halving = Halving(num_rungs=2, eta=3)
    assert halving.ended("a", 0, 0.5) == []
    assert halving.ended("b", 0, 0.7) == []
    assert halving.ended("c", 0, 0.6) == ["b"]
    assert halving.ended("d", 0, 0.9) == ["d"], "better than what went on"
    assert halving.ended("e", 0, 0.1) == []
    assert halving.ended("f", 0, 0.2) == []
    assert halving.ended("d", 1, 0.9) == [], "there is no third rung"


def test_equal_accuracies_are_parted_by_name() -> None:
    halving = Halving(num_rungs=2, eta=2)
    halving.ended("b", 0, 0.5)
    assert halving.ended("a", 0, 0.5) == ["a"]


def test_a_child_that_is_told_again_counts_once() -> None:
    halving = Halving(num_rungs=2, eta=2)
    for _ in range(6):
        assert halving.ended("a", 0, 0.5) == []


@given(
    rewards=st.lists(st.floats(0, 1), min_size=1, max_size=60, unique=True), eta=st.integers(2, 4)
)
def test_the_best_of_all_have_gone_on_in_the_end(rewards: list[float], eta: int) -> None:
    halving = Halving(num_rungs=3, eta=eta)
    gone: list[str] = []
    for number, reward in enumerate(rewards):
        gone += halving.ended(str(number), 0, reward)
    best = np.argsort(rewards)[::-1][: len(rewards) // eta]
    assert {str(k) for k in best} <= set(gone)
    assert len(set(gone)) == len(gone)
