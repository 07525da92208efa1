"""The curve of a training, and which of its points is the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        step: Steps done.
        losses: Their means since the point before, by name.
        cpu_s: CPU seconds of all steps so far, of the first process; reports apart.
        values: What was reported, by name.
    """

    step: int
    losses: Mapping[str, float]
    cpu_s: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class Choice:
    """Which point of a curve counts, and when to wait no longer for a better one.

    L. Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998,
    criterion UP, on points that may lie several steps apart.

    Attributes:
        by: A value of the points, of a validation split, never of a test.
        patience: Points without a better one after which a training ends.
        larger_is_better: Whether it is a score rather than a loss.
    """

    by: str
    patience: int
    larger_is_better: bool = True

    def best(self, curve: Sequence[Point]) -> int:
        """Index of the best point; the first of equals. A value that is no number is the worst."""
        sign = 1 if self.larger_is_better else -1
        values = [sign * point.values[self.by] for point in curve]
        values = [-math.inf if math.isnan(value) else value for value in values]
        return max(range(len(values)), key=values.__getitem__)

    def is_over(self, curve: Sequence[Point]) -> bool:
        """Whether a training ends after the last point of a curve."""
        return bool(curve) and len(curve) - 1 - self.best(curve) >= self.patience
