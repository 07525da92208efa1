"""The search strategies by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.predictor import Predictor
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.space.decisions import DecisionSpace

_MAKERS: dict[str, Callable[[DecisionSpace, np.random.Generator], Searcher]] = {
    "evolution": Evolution,
    "predictor": Predictor,
    "random": RandomSearch,
}


def make_searcher(strategy: str, space: DecisionSpace, rng: np.random.Generator) -> Searcher:
    """Begin a search with the default config of a strategy.

    Args:
        strategy: ``ppo``, ``evolution``, ``predictor`` or ``random``.
        space: All children.
        rng: Seeds it.
    """
    if strategy == "ppo":
        from tasks.nas.search.strategies.ppo import Ppo

        return Ppo(space, rng)
    return _MAKERS[strategy](space, rng)
