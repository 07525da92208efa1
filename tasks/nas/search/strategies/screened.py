"""A strategy whose proposals are screened by zero-cost proxies that have earned a weight.

Of several candidates that the strategy proposes, the one that the proxies rank highest is passed
on; the strategy is told that the others could not be trained. As long as no proxy has earned a
weight (`tasks.nas.proxies.earned`), nothing is screened and the search is the strategy's own.

PPO must not be screened: its update takes the children that it is told of for samples of its own
controller, and the best of several is not one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.core.errors import ConfigError
from tasks.nas.proxies.earned import MIN_TRAINED, earned_weights, rank_sums
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.space.decisions import Decisions

Scores = Mapping[str, float]


@dataclass(frozen=True)
class ScreeningConfig:
    """How proposals are screened.

    Attributes:
        num_candidates: Proposals of which one is passed on.
        min_trained: Trained children before a proxy can have a weight.
    """

    num_candidates: int = 5
    min_trained: int = MIN_TRAINED

    def __post_init__(self) -> None:
        if self.num_candidates < 1:
            raise ValueError(f"expected at least one candidate, got {self.num_candidates}")


class Screened:
    """Passes on the best of several proposals of a strategy.

    What is asked is a function of the strategy's seed and of the tells, as `Searcher` demands.
    """

    def __init__(
        self,
        inner: Searcher,
        score: Callable[[Decisions], Scores],
        config: ScreeningConfig | None = None,
    ) -> None:
        """Wrap a strategy.

        Args:
            inner: The strategy.
            score: Scores of a child by proxy, always the same for one child. It is called once
                for each child that is a candidate or was trained.
            config: How proposals are screened.

        Raises:
            ConfigError: The strategy learns from samples of its own, as PPO does.
        """
        if getattr(inner, "is_on_policy", False):
            raise ConfigError(
                f"{type(inner).__name__} can't be screened: it learns from samples of its own "
                "policy, and the best of several candidates is not one: let strategy be evolution, "
                "predictor or random"
            )
        self._inner, self._score = inner, score
        self._config = config or ScreeningConfig()
        self._known: dict[Decisions, Scores] = {}
        self._trained: list[Scores] = []
        self._rewards: list[float] = []
        self._weights: dict[str, float] = {}

    @property
    def weights(self) -> Mapping[str, float]:
        """Proxies that have a weight now."""
        return self._weights

    def ask(self) -> Decisions:
        """Return the best of the strategy's proposals; its next one while no proxy counts."""
        if not self._weights:
            return self._inner.ask()
        num_candidates = self._config.num_candidates
        return best_proposal(self._inner, num_candidates, self._scores, self._weights)

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Pass on the reward, and let proxies earn from it."""
        self._inner.tell(child, reward)
        if reward is not None:
            self._trained.append(self._scores(child))
            self._rewards.append(reward)
            self._weights = earned_weights(self._trained, self._rewards, self._config.min_trained)

    def _scores(self, child: Decisions) -> Scores:
        if child not in self._known:
            self._known[child] = self._score(child)
        return self._known[child]


def best_proposal(
    searcher: Searcher,
    num_candidates: int,
    score: Callable[[Decisions], Scores],
    weights: Mapping[str, float],
) -> Decisions:
    """Ask for several proposals, and put all but the one that proxies rank highest back.

    Args:
        searcher: Proposes, and is told that the others could not be trained.
        num_candidates: How many proposals.
        score: Proxies of a proposal.
        weights: Weight of each proxy.
    """
    candidates = [searcher.ask() for _ in range(num_candidates)]
    best = int(np.argmax(rank_sums([score(each) for each in candidates], weights)))
    for place, candidate in enumerate(candidates):
        if place != best:
            searcher.tell(candidate, None)
    return candidates[best]
