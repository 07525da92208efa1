"""Regularised evolution: the oldest of a population dies, whatever it was worth.

After E. Real, A. Aggarwal, Y. Huang, Q. Le, "Regularized Evolution for Image Classifier
Architecture Search", AAAI 2019, algorithm 1. It deviates in one point: children are told as they
end, so a population member is as old as its tell, not as its birth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from tasks.nas.space.decisions import Decisions, DecisionSpace


@dataclass(frozen=True)
class EvolutionConfig:
    """How a population evolves.

    Attributes:
        population: Number of children that live.
        sample: Number of them, drawn without replacement, whose best becomes the parent.
    """

    population: int = 10
    sample: int = 5

    def __post_init__(self) -> None:
        if not 1 <= self.sample <= self.population:
            raise ValueError(
                f"expected a sample of 1 to {self.population} (the population), got {self.sample}"
            )


class Evolution:
    """Regularised evolution over decisions."""

    def __init__(
        self,
        space: DecisionSpace,
        rng: np.random.Generator,
        config: EvolutionConfig | None = None,
    ) -> None:
        """Begin a search.

        Args:
            space: All children.
            rng: Source of the draws.
            config: How the population evolves.
        """
        self._space, self._rng = space, rng
        self._config = config or EvolutionConfig()
        self._living: deque[tuple[float, Decisions]] = deque(maxlen=self._config.population)

    def ask(self) -> Decisions:
        """Return a random child until the population is full, then a mutant of a good one."""
        if len(self._living) < self._config.population:
            return self._space.draw(self._rng)
        places = self._rng.choice(len(self._living), self._config.sample, replace=False)
        _, parent = max((self._living[int(place)] for place in places), key=lambda each: each[0])
        return self._space.mutate(parent, self._rng)

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Let a child live, and the oldest die; a child that could not be trained is still-born."""
        if reward is not None:
            self._living.append((reward, child))
