"""Asynchronous successive halving: which children go on to the next rung.

L. Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2: of
all that ended a rung so far, the best one in eta may go on, without waiting for the others. A
child that goes on is trained anew with the next rung's budget.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Halving:
    """The rungs of one search.

    Attributes:
        num_rungs: Number of rungs.
        eta: One child of so many goes on.
    """

    num_rungs: int
    eta: int
    _ended: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    _promoted: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def ended(self, child: str, rung: int, accuracy: float) -> list[str]:
        """Take in a result; return the children that now go on, the best first.

        Args:
            child: Its hash; one that was told before counts once.
            rung: The rung that it ended.
            accuracy: What it reached.
        """
        table, promoted = self._ended[rung], self._promoted[rung]
        table[child] = accuracy
        if rung + 1 >= self.num_rungs:
            return []
        ranked = sorted(table, key=lambda each: (-table[each], each))
        going = [each for each in ranked[: len(table) // self.eta] if each not in promoted]
        promoted.update(going)
        return going
