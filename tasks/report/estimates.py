"""Means, differences and rank correlations, each with what it is uncertain by."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy  # loads its parts where they are first used: few runs estimate anything

LEVEL: Final = 0.95
NUM_RESAMPLED: Final = 2000
_Z: Final = 1.959963984540054  # quantile (1 + LEVEL) / 2 of the normal distribution
_MIN_PAIRS: Final = 4  # fewer give no interval of a rank correlation that means anything


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95 % interval.

    Attributes:
        value: The estimate.
        error: Its standard error; None where there are too few observations.
        low: Lower end of the interval; None alike.
        high: Upper end; None alike.
        num: Observations that it rests on.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    num: int

    @property
    def in_errors(self) -> float | None:
        """How many standard errors it lies from zero; None without one, or if that is zero."""
        return self.value / self.error if self.error else None


def wilson(successes: float, attempts: float) -> tuple[float, float]:
    """Where a share lies with 95 % confidence.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA
    1927, equation 8. `scipy.stats.binomtest` gives the same for whole numbers, at a hundred times
    the cost; a design effect leaves a number of attempts that is not whole.

    Args:
        successes: At most as many as attempts.
        attempts: More than 0.
    """
    share, z2 = successes / attempts, _Z**2
    middle = (share + z2 / (2 * attempts)) / (1 + z2 / attempts)
    spread = share * (1 - share) / attempts + z2 / (4 * attempts**2)
    half = _Z * sqrt(max(spread, 0.0)) / (1 + z2 / attempts)
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)


def mean_estimate(values: Sequence[float]) -> Estimate:
    """Mean with the t interval of independent observations.

    Raises:
        ValueError: There is none.
    """
    if not len(values):
        raise ValueError("expected at least one observation, got none")
    mean, num = float(np.mean(values)), len(values)
    if num == 1:
        return Estimate(mean, None, None, None, 1)
    error = float(scipy.stats.sem(values))
    reach = error * float(scipy.stats.t.ppf((1 + LEVEL) / 2, num - 1))
    return Estimate(mean, error, mean - reach, mean + reach, num)


def difference(first: Mapping[int, float], second: Mapping[int, float]) -> Estimate:
    """Mean of the first less mean of the second; both by seed.

    Seeds that both have are paired. With fewer than two such seeds all observations count, as
    two independent samples of unequal variance: B. L. Welch, "The Generalization of 'Student's'
    Problem when Several Different Population Variances are Involved", Biometrika 1947.

    Raises:
        ValueError: One has no observation.
    """
    common = sorted(first.keys() & second.keys())
    if len(common) > 1:
        return mean_estimate([first[seed] - second[seed] for seed in common])
    return _welch([*first.values()], [*second.values()])


def spearman(pairs: npt.NDArray[np.float64], rng: np.random.Generator) -> Estimate:
    """Rank correlation with the percentile interval of a bootstrap over pairs.

    Args:
        pairs: (n, 2).
        rng: Source of the resampling.

    Returns:
        The estimate; its value is 0 without an interval where fewer than four pairs, or two
        equal columns of one value, allow none.
    """
    num = len(pairs)
    if num < _MIN_PAIRS or _is_flat(pairs):
        return Estimate(0.0, None, None, None, num)
    value = float(rank_correlation(pairs))
    drawn = pairs[rng.integers(num, size=(NUM_RESAMPLED, num))]
    found = rank_correlation(drawn[~(drawn == drawn[:, :1]).all(axis=1).any(axis=1)])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Estimate(value, float(np.std(found)), float(low), float(high), num)


def rank_correlation(pairs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Spearman's rank correlation of the two columns of (…, n, 2); equal values share a rank."""
    ranks = scipy.stats.rankdata(pairs, axis=-2)
    ranks = ranks - ranks.mean(axis=-2, keepdims=True)
    norms = np.sqrt((ranks**2).sum(axis=-2).prod(axis=-1))
    found: npt.NDArray[np.float64] = ranks.prod(axis=-1).sum(axis=-1) / norms
    return found


def _is_flat(pairs: Any) -> bool:
    """Whether a column has one value only, so that there is nothing to rank."""
    return bool((pairs == pairs[0]).all(axis=0).any())


def _welch(first: Sequence[float], second: Sequence[float]) -> Estimate:
    ends = mean_estimate(first), mean_estimate(second)
    value = ends[0].value - ends[1].value
    num = min(each.num for each in ends)
    if any(each.error is None for each in ends):
        return Estimate(value, None, None, None, num)
    if not any(each.error for each in ends):
        return Estimate(value, 0.0, value, value, num)
    with warnings.catch_warnings(action="ignore"):  # that all values of one sample are equal
        found = scipy.stats.ttest_ind(first, second, equal_var=False)
    low, high = map(float, found.confidence_interval(LEVEL))
    error = (high - low) / 2 / float(scipy.stats.t.ppf((1 + LEVEL) / 2, found.df))
    return Estimate(value, error, low, high, num)
