from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.ppo import Ppo
from tasks.nas.search.strategies.predictor import Predictor
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.screened import Screened, ScreeningConfig
from tasks.nas.space.decisions import DecisionSpace

SPACE = DecisionSpace((5,) * 6, ("operation",) * 6)


def reward(child):
    return float(sum(child))


def score(child):
    return {"helps": float(sum(child[:4])), "harms": -float(sum(child))}


class Recorder:
    """Proposes children in turn and notes what it is told."""

    def __init__(self):
        self.told, self._next = [], 0

    def ask(self):
        self._next += 1
        return (self._next,)

    def tell(self, child, found):
        self.told.append((child, found))


def searched(searcher, num):
    children = []
    for _ in range(num):
        children.append(searcher.ask())
        searcher.tell(children[-1], reward(children[-1]))
    return children


def test_before_a_proxy_counts_the_search_is_the_strategys_own():
    plain = RandomSearch(SPACE, np.random.default_rng(0))
    screened = Screened(RandomSearch(SPACE, np.random.default_rng(0)), score)
    assert searched(screened, 20) == searched(plain, 20)
    assert screened.weights.keys() == {"helps"}


def test_the_best_of_several_is_passed_on_and_the_others_are_told_as_lost():
    inner = Recorder()
    config = ScreeningConfig(num_candidates=3, min_trained=5)
    screened = Screened(inner, lambda child: {"small": -float(child[0])}, config)
    for _ in range(5):
        child = screened.ask()
        screened.tell(child, -float(child[0]))

    assert screened.ask() == (6,)
    assert inner.told[5:] == [((7,), None), ((8,), None)]


def test_children_that_failed_earn_nothing():
    screened = Screened(RandomSearch(SPACE, np.random.default_rng(0)), score)
    for _ in range(40):
        screened.tell(screened.ask(), None)
    assert screened.weights == {}


def test_a_proxy_that_ranks_makes_random_search_better():
    def late(searcher):
        return np.mean([reward(child) for child in searched(searcher, 80)[20:]])

    gains = [
        late(Screened(RandomSearch(SPACE, np.random.default_rng(seed)), score))
        - late(RandomSearch(SPACE, np.random.default_rng(seed)))
        for seed in range(5)
    ]
    assert min(gains) > 1.0


def test_proxies_without_merit_leave_the_search_as_it_is():
    def nothing(child):
        return {"flat": 1.0, "harms": -reward(child)}

    plain = searched(RandomSearch(SPACE, np.random.default_rng(3)), 60)
    assert searched(Screened(RandomSearch(SPACE, np.random.default_rng(3)), nothing), 60) == plain


@pytest.mark.parametrize("strategy", [RandomSearch, Evolution, Predictor])
def test_a_search_is_replayed_from_its_tells(strategy):
    """Several children in flight, told out of order."""

    def run():
        searcher = Screened(strategy(SPACE, np.random.default_rng(7)), score)
        flight, asked = [], []
        for step in range(60):
            while len(flight) < 4:
                flight.append(searcher.ask())
                asked.append(flight[-1])
            child = flight.pop(step % 4)
            searcher.tell(child, None if step % 11 == 5 else reward(child))
        return asked, searcher.weights

    assert run() == run()


def test_scores_are_asked_for_once_a_child():
    seen = []

    def counted(child):
        seen.append(child)
        return score(child)

    searched(Screened(Evolution(SPACE, np.random.default_rng(0)), counted), 60)
    assert len(seen) == len(set(seen))


def test_ppo_is_refused():
    with pytest.raises(ConfigError, match=r"Ppo can't be screened.*let strategy be evolution"):
        Screened(Ppo(SPACE, np.random.default_rng(0)), score)


def test_no_candidates_are_refused():
    with pytest.raises(ValueError, match="at least one candidate"):
        ScreeningConfig(num_candidates=0)
