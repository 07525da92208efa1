"""Intervals by resampling whole groups: attempts in one scene are not independent.

After B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13: draw
as many groups as there are, with replacement, and take percentiles of the statistic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.results_file import Figure
from tasks.grasping.types import FloatArray

NUM_DRAWS = 4000
_PERCENTILES = (2.5, 97.5)

Statistic = Callable[[FloatArray], FloatArray]


def figure_of(sums_by_group: FloatArray, statistic: Statistic, unit: str = "") -> Figure:
    """Return a statistic of sums with its 95 % interval.

    Args:
        sums_by_group: One row per group, one column per quantity, (g, c).
        statistic: Takes sums over groups, (..., c), and returns the value of each, (...).
        unit: Unit of the value.
    """
    columns = np.asarray(sums_by_group, np.float64)
    if columns.ndim != 2 or len(columns) < 2:
        raise ValueError(f"expected two or more groups, got an array of shape {columns.shape}")
    num_groups = len(columns)
    shares = np.full(num_groups, 1 / num_groups)
    counts = np.random.default_rng(0).multinomial(num_groups, shares, size=NUM_DRAWS)
    low, high = np.percentile(statistic(counts @ columns), _PERCENTILES)
    value = float(statistic(columns.sum(axis=0)[np.newaxis])[0])
    return Figure(value=value, unit=unit, interval=(float(low), float(high)))


def ratio(numerator: int, denominator: int) -> Statistic:
    """Return the statistic that divides one column by another."""
    return lambda sums: sums[..., numerator] / sums[..., denominator]
