"""What a search strategy is: it asks for a child, and is told the reward of each that ended.

A child is a tuple of decisions, one small integer each. Strategies know nothing of networks, so
the same code searches the NASNet space and a table of trained cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Decisions = tuple[int, ...]


@dataclass(frozen=True)
class DecisionSpace:
    """All children: one choice for each decision.

    Attributes:
        num_choices: Number of choices of each decision.
        kinds: What each decision is about, e.g. ``operation``; decisions of one kind mean the
            same thing by the same choice.
    """

    num_choices: tuple[int, ...]
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.num_choices) != len(self.kinds) or min(self.num_choices, default=0) < 1:
            raise ValueError(
                f"expected a kind and at least one choice for each decision, got "
                f"{len(self.kinds)} kinds and the choices {self.num_choices}"
            )

    def draw(self, rng: np.random.Generator) -> Decisions:
        """Draw a child uniformly."""
        return tuple(int(rng.integers(count)) for count in self.num_choices)

    def mutate(self, child: Decisions, rng: np.random.Generator) -> Decisions:
        """Change one decision, chosen uniformly among those that have a choice."""
        open_decisions = [i for i, count in enumerate(self.num_choices) if count > 1]
        place = open_decisions[int(rng.integers(len(open_decisions)))]
        shift = 1 + int(rng.integers(self.num_choices[place] - 1))
        changed = (child[place] + shift) % self.num_choices[place]
        return (*child[:place], changed, *child[place + 1 :])


class Searcher(Protocol):
    """A search strategy.

    Any number of children may be asked for before the first is told, and they may be told in
    any order. What is asked depends on the seed and on the tells alone.
    """

    def ask(self) -> Decisions:
        """Return the next child to train."""

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Take in the reward of a child that was asked for; None if it could not be trained."""
