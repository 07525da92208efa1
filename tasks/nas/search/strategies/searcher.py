"""What a search strategy is: it asks for a child, and is told the reward of each that ended."""

from __future__ import annotations

from typing import Protocol

from tasks.nas.space.decisions import Decisions


class Searcher(Protocol):
    """A search strategy.

    Any number of children may be asked for before the first is told, and they may be told in
    any order. What is asked depends on the seed and on the tells alone.
    """

    def ask(self) -> Decisions:
        """Return the next child to train."""

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Take in the reward of a child that was asked for; None if it could not be trained."""
