"""How many labels a method is worth: the curve over labels, read backwards.

The number of labels at which the other method reaches the same score, interpolated linearly in the
logarithm of the number (as K. Bousmalis et al., arXiv 1709.07857, figure 1, plot it).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tasks.graspgan.judging.areas import FloatArray
from tasks.report.estimates import LEVEL, Estimate


def labels_reaching(curve: Mapping[int, FloatArray], wanted: FloatArray) -> FloatArray:
    """Labels at which a curve reaches scores, draw by draw.

    Args:
        curve: By number of labels, the scores of each draw, (d,); two numbers or more.
        wanted: Scores to reach, (d,).

    Returns:
        (d,): at least the least and at most the greatest number of the curve, where it lies below
        or above all of it.
    """
    counts = sorted(curve)
    logs = np.log([max(count, 1) for count in counts])
    # What more labels gave less by chance counts as no gain.
    risen = np.maximum.accumulate(np.stack([curve[count] for count in counts]), axis=0)
    found = [np.interp(score, risen[:, draw], logs) for draw, score in enumerate(wanted)]
    return np.exp(found)


def label_factor(
    curve: Mapping[int, FloatArray], wanted: FloatArray, num_used: int, num: int
) -> Estimate:
    """How many times fewer labels were needed.

    Args:
        curve: See `labels_reaching`; the first of each array is of all scenes, the rest of draws.
        wanted: Scores of the method that used fewer labels, alike.
        num_used: Labels that it used; 0 gives the number of labels that it is worth.
        num: Attempts that the scores rest on.
    """
    factors = labels_reaching(curve, wanted) / max(num_used, 1)
    low, high = np.quantile(factors[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(factors[0]), None, float(low), float(high), num)
