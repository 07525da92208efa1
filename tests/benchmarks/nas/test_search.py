"""Searches by different strategies, compared by their numbers."""

from __future__ import annotations

import pytest

from benchmarks.nas.search import beside
from tests.support.nas.search_runs import retrained_cells, search_log


def run_of(num_searches=3, seed=0):
    names = ("control", *[f"evolution-{number}" for number in range(num_searches)])
    return retrained_cells(search_log(num_children=12, names=names, seed=seed), num_seeds=0)


def test_searches_of_one_number_are_compared():
    same = beside("ppo", run_of(), run_of())
    assert same["search_ppo_minus_evolution"].value == pytest.approx(0)

    found = beside("ppo", run_of(seed=1), run_of())
    gain = found["search_ppo_minus_evolution"]
    low, high = gain.interval
    assert low < gain.value < high
    assert found["search_core_hours_ppo"].value > 0
    theirs = beside("evolution", run_of(), run_of())
    expected = found["top5_minus_random_ppo"].value - theirs["top5_minus_random_evolution"].value
    assert gain.value == pytest.approx(expected)


def test_searches_of_other_numbers_are_refused():
    with pytest.raises(ValueError, match="the same numbers"):
        beside("ppo", run_of(2), run_of())
