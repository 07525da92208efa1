"""What every strategy promises, and that those which learn do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.ppo import Ppo
from tasks.nas.search.strategies.predictor import Predictor
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.space.decisions import Decisions, DecisionSpace

SPACE = DecisionSpace((4, 3) * 6, ("operation", "input") * 6)
STRATEGIES = {"random": RandomSearch, "evolution": Evolution, "predictor": Predictor, "ppo": Ppo}
Make = Callable[[DecisionSpace, np.random.Generator], Searcher]


@pytest.fixture(params=STRATEGIES.values(), ids=STRATEGIES)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def reward(child: Decisions) -> float:
    """Highest, 1, where each choice is the last."""
    shares = [(c + 1) / count for c, count in zip(child, SPACE.num_choices, strict=True)]
    return sum(shares) / len(shares)


def search(make: Make, seed: int, num_children: int, in_flight: int = 1) -> list[Decisions]:
    """Search with several children in flight, told latest first."""
    searcher = make(SPACE, np.random.default_rng(seed))
    told: list[Decisions] = []
    waiting: list[Decisions] = []
    while len(told) < num_children:
        while len(waiting) < in_flight:
            waiting.append(searcher.ask())
        child = waiting.pop()
        searcher.tell(child, reward(child))
        told.append(child)
    return told


@pytest.mark.parametrize("in_flight", [1, 4])
def test_the_seed_and_the_tells_decide_what_is_asked(make: Make, in_flight: int) -> None:
    first = search(make, 3, 60, in_flight)
    torch.manual_seed(99)
    np.random.default_rng(99)
    assert search(make, 3, 60, in_flight) == first
    assert search(make, 4, 60, in_flight) != first


def test_children_that_fail_do_no_harm(make: Make) -> None:
    searcher = make(SPACE, np.random.default_rng(0))
    for index in range(60):
        child = searcher.ask()
        searcher.tell(child, None if index % 3 else reward(child))


def test_the_global_generators_are_left_alone(make: Make) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    search(make, 0, 30)
    assert torch.rand(1) == expected


@pytest.mark.parametrize("name", ["evolution", "predictor", "ppo"])
def test_late_children_are_better_than_early_ones(name: str) -> None:
    gains = []
    for seed in range(4):
        told = [reward(child) for child in search(STRATEGIES[name], seed, 110, in_flight=2)]
        gains.append(np.mean(told[-30:]) - np.mean(told[:30]))
    assert np.mean(gains) > 3 * np.std(gains, ddof=1) / np.sqrt(len(gains))
    assert np.mean(gains) > 0.05
