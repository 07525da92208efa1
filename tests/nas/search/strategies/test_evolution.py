"""Regularised evolution: the oldest dies, the best of a sample has offspring."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.nas.search.strategies.evolution import Evolution, EvolutionConfig
from tasks.nas.space.decisions import DecisionSpace

SPACE = DecisionSpace((5,) * 6, ("operation",) * 6)


def differing(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


def test_the_best_of_the_whole_population_is_the_parent() -> None:
    evolution = Evolution(SPACE, np.random.default_rng(0), EvolutionConfig(3, 3))
    for reward, child in ((0.1, (0,) * 6), (0.9, (2,) * 6), (0.5, (4,) * 6)):
        evolution.tell(child, reward)
    assert all(differing(evolution.ask(), (2,) * 6) == 1 for _ in range(20))


def test_the_oldest_dies_even_if_it_is_the_best() -> None:
    evolution = Evolution(SPACE, np.random.default_rng(0), EvolutionConfig(2, 2))
    for reward, child in ((0.9, (2,) * 6), (0.1, (0,) * 6), (0.2, (4,) * 6)):
        evolution.tell(child, reward)
    assert all(differing(evolution.ask(), (4,) * 6) == 1 for _ in range(20))


def test_a_sample_larger_than_the_population_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a sample of 1 to 3 \(the population\), got 4"):
        EvolutionConfig(3, 4)
