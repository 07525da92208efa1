"""Children as rows of decisions: what a search strategy sees of a space.

A child is a tuple of decisions, one small integer each. Strategies know nothing of networks, so
the same code searches the NASNet space and a table of trained cells.
"""

from __future__ import annotations

from dataclasses import dataclass

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
