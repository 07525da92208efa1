"""Weights that proxies earn from trained children of the very search that they are used in.

Which proxy ranks depends on the space: what is best in one is worse than chance in another. So no
proxy has a weight before twenty children were trained, and then the one it has shown: its rank
correlation with their rewards, if the lower end of the correlation's 95 % interval is above zero,
else none. A proxy that ranks the wrong way round is left out, not turned round.

Two caveats. Children that were chosen by a proxy spread less in it, so its later correlation is
biased towards zero: weights fade, they don't run away. And with several proxies watched over a
whole search, one without merit earns a small weight now and then; the interval is not corrected
for that.

The interval of the rank correlation r of n children is Fisher's, tanh(atanh r +- 1.96 s) with
s² = (1 + r² / 2) / (n - 3): D. Bonett, T. Wright, "Sample Size Requirements for Estimating Pearson,
Kendall and Spearman Correlations", Psychometrika 2000, equation 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy  # loads its parts where they are first used: few searches are screened

Floats = npt.NDArray[np.float64]

MIN_TRAINED: Final = 20
_Z: Final = 1.96
_ALMOST_ONE: Final = 1 - 1e-9


def earned_weights(
    scores: Sequence[Mapping[str, float]], rewards: Sequence[float], min_trained: int = MIN_TRAINED
) -> dict[str, float]:
    """Weights of proxies.

    Args:
        scores: Of each trained child, by proxy; all have the same proxies.
        rewards: Of each.
        min_trained: Fewer children earn nothing.

    Returns:
        The proxies that earned a weight, with it.
    """
    if len(scores) < max(min_trained, 4) or _is_flat(rewards):
        return {}
    ranked = scipy.stats.rankdata(rewards)
    found = {}
    for name in scores[0]:
        column = _ranks([each[name] for each in scores])
        if _is_flat(column):
            continue
        correlation = float(np.corrcoef(column, ranked)[0, 1])
        if lower_end(correlation, len(scores)) > 0:
            found[name] = correlation
    return found


def lower_end(correlation: float, num: int) -> float:
    """Lower end of the 95 % interval of a rank correlation.

    Args:
        correlation: Spearman's, of the sample.
        num: Number of pairs, above 3.
    """
    bounded = float(np.clip(correlation, -_ALMOST_ONE, _ALMOST_ONE))
    error = np.sqrt((1 + bounded**2 / 2) / (num - 3))
    return float(np.tanh(np.arctanh(bounded) - _Z * error))


def rank_sums(candidates: Sequence[Mapping[str, float]], weights: Mapping[str, float]) -> Floats:
    """Weighted sum of the candidates' ranks by each proxy; the highest is the best.

    Args:
        candidates: Scores of each by proxy; one that is not finite ranks as the lowest.
        weights: Of the proxies that count.

    Returns:
        (candidates,).
    """
    total = np.zeros(len(candidates))
    for name, weight in weights.items():
        total += weight * _ranks([each[name] for each in candidates])
    return total


def _ranks(values: Sequence[float]) -> Floats:
    known = np.array(values, float)
    ranks: Floats = scipy.stats.rankdata(np.where(np.isfinite(known), known, -np.inf))
    return ranks


def _is_flat(values: Any) -> bool:
    return bool(np.ptp(np.asarray(values, float)) == 0)
