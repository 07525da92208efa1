"""A predictor of rewards that re-ranks mutants of what was trained.

Ridge regression on which choice each decision takes, and on pairs of choices, fitted to all
children so far. It is solved in its dual form, since the inner product of two children's features
is a function of the number m of decisions on which they agree: m + m (m - 1) / 2. Candidates are
mutants of the best children; the one with the highest prediction that was not asked for before is
trained. Sequential model-based search in this form is due to C. Liu et al., "Progressive Neural
Architecture Search", ECCV 2018, section 4, who predict with a recurrent network and grow the space
block by block; here it is a linear model on the whole space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.nas.space.decisions import Decisions, DecisionSpace


@dataclass(frozen=True)
class PredictorConfig:
    """How children are proposed and ranked.

    Attributes:
        num_random: Children drawn uniformly before the first fit.
        num_parents: Best children whose mutants are candidates.
        num_candidates: Mutants that are ranked for each child asked for.
        random_share: Part of the later children that is drawn uniformly, so that the fit sees
            all of the space.
        ridge: Weight of the squared coefficients, in units of one feature and child.
    """

    num_random: int = 20
    num_parents: int = 10
    num_candidates: int = 100
    random_share: float = 0.1
    ridge: float = 0.03


class Predictor:
    """Search by ridge regression on choices and pairs of choices."""

    def __init__(
        self,
        space: DecisionSpace,
        rng: np.random.Generator,
        config: PredictorConfig | None = None,
    ) -> None:
        """Begin a search.

        Args:
            space: All children.
            rng: Source of the draws.
            config: How children are proposed and ranked.
        """
        self._space, self._rng = space, rng
        self._config = config or PredictorConfig()
        self._asked: set[Decisions] = set()
        self._trained: list[tuple[float, Decisions]] = []

    def ask(self) -> Decisions:
        """Return the candidate with the highest prediction, now and then a random child."""
        is_random = self._rng.random() < self._config.random_share
        if is_random or len(self._trained) < self._config.num_random:
            child = self._space.draw(self._rng)
        else:
            child = self._best_candidate()
        self._asked.add(child)
        return child

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Add a child to what the next fit sees."""
        if reward is not None:
            self._trained.append((reward, child))

    def _best_candidate(self) -> Decisions:
        ranked = sorted(self._trained, key=lambda each: -each[0])
        parents = [child for _, child in ranked[: self._config.num_parents]]
        candidates = []
        for _ in range(self._config.num_candidates):
            parent = parents[int(self._rng.integers(len(parents)))]
            mutant = self._space.mutate(parent, self._rng)
            if self._rng.random() < 1 / 2:
                mutant = self._space.mutate(mutant, self._rng)
            candidates.append(mutant)
        fresh = [each for each in candidates if each not in self._asked] or candidates
        rewards = np.array([reward for reward, _ in self._trained])
        known = np.array([child for _, child in self._trained])
        scores = predict(known, rewards, np.array(fresh), self._config.ridge)
        return fresh[int(np.argmax(scores))]


def predict(
    known: npt.NDArray[np.int64],
    rewards: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.int64],
    ridge: float,
) -> npt.NDArray[np.float64]:
    """Predict rewards by ridge regression on choices and pairs of choices.

    Args:
        known: Trained children, (n, decisions).
        rewards: Their rewards, (n,).
        wanted: Children to predict, (m, decisions).
        ridge: Weight of the squared coefficients, in units of one feature and child.

    Returns:
        Predicted rewards, (m,).
    """
    mean = rewards.mean()
    gram = _inner_products(known, known) + ridge * len(known) * np.eye(len(known))
    scores: npt.NDArray[np.float64] = mean + _inner_products(wanted, known) @ np.linalg.solve(
        gram, rewards - mean
    )
    return scores


def _inner_products(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Inner products of the features of children, (n, m)."""
    agreed = (first[:, None] == second[None]).sum(axis=2)
    products: npt.NDArray[np.float64] = agreed * (agreed + 1) / 2
    return products
