"""Uniform random search: the control that every report of a search shows."""

from __future__ import annotations

import numpy as np

from tasks.nas.space.decisions import Decisions, DecisionSpace


class RandomSearch:
    """Draws each child uniformly, whatever it is told."""

    def __init__(self, space: DecisionSpace, rng: np.random.Generator) -> None:
        """Begin a search.

        Args:
            space: All children.
            rng: Source of the draws.
        """
        self._space, self._rng = space, rng

    def ask(self) -> Decisions:
        """Return the next child to train."""
        return self._space.draw(self._rng)

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Learn nothing."""
