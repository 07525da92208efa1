"""What methods said of a split, beside what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.graspgan.judging.areas import BySeed, FloatArray, Test
from tasks.report.estimates import Estimate


@dataclass(frozen=True)
class Answers:
    """What methods said of a split.

    Attributes:
        test: What is right.
        said: By method, what each seed says.
    """

    test: Test
    said: Mapping[str, BySeed]

    def part(self, chosen: npt.NDArray[np.bool_]) -> Answers | None:
        """What was said of some of the attempts, (n,); None where they all have one outcome."""
        success = self.test.success[chosen]
        if success.all() or not success.any():
            return None
        said = {name: [each[chosen] for each in found] for name, found in self.said.items()}
        return Answers(self.test.part(chosen), said)

    def best_of(self, names: Sequence[str]) -> str:
        """The method with the greatest area; the first of equals.

        Raises:
            ValueError: There is none.
        """
        return max(names, key=lambda name: self.area(name).value)

    def area(self, name: str) -> Estimate:
        """Mean area of a method over its seeds."""
        return self.test.area(self.said[name])

    def difference(self, first: str, second: str) -> Estimate | None:
        """Area of one method less that of another; None for one and the same, or without one."""
        if first == second or not {first, second} <= {*self.said}:
            return None
        return self.test.difference(self.said[first], self.said[second])

    def closed_share(self, low: str, found: str, high: str) -> Estimate | None:
        """How much of the gap between two methods a third closes; None without one of them."""
        if not {low, found, high} <= {*self.said}:
            return None
        return self.test.closed_share(*(self.said[name] for name in (low, found, high)))

    def drawn(self, name: str) -> FloatArray:
        """Area of a method: of all, then of each draw of scenes and seeds, (1 + d,)."""
        return self.test.drawn(self.said[name])
