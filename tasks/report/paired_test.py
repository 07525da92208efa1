"""Whether one of two is right more often than the other, judged on the same items.

Q. McNemar, "Note on the Sampling Error of the Difference between Correlated Proportions or
Percentages", Psychometrika 1947. Items that both or neither get right say nothing; among the
others each would be as likely to be the right one. The exact, binomial form serves for small
counts and large ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # loads its parts where they are first used

from tasks.report.estimates import LEVEL


@dataclass(frozen=True)
class PairedTest:
    """What a comparison came to.

    Attributes:
        num: Items.
        only_first: Items that only the first gets right.
        only_second: Items that only the second gets right.
        p_value: Chance of a split at least as uneven, either way, if both were equally good.
    """

    num: int
    only_first: int
    only_second: int
    p_value: float

    @property
    def is_first_better(self) -> bool:
        """Whether the first is right more often, and not by chance alone."""
        return self.only_first > self.only_second and self.p_value < 1 - LEVEL


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> PairedTest:
    """Compare two by what they get right.

    Args:
        first: (n,), whether the first gets an item right.
        second: (n,), whether the second gets the same item right.

    Raises:
        ValueError: They differ in their number of items.
    """
    if first.shape != second.shape:
        raise ValueError(f"expected answers to the same items, got {first.shape}, {second.shape}")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    num_split = only_first + only_second
    p_value = scipy.stats.binomtest(only_first, num_split).pvalue if num_split else 1.0
    return PairedTest(len(first), only_first, only_second, float(p_value))
