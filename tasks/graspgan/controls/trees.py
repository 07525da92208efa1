"""Extra-trees on few numbers: what is learnt without a network.

P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 2006.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier

FloatArray = npt.NDArray[np.float64]
_NUM_TREES: Final = 300
_LEAF: Final = 5  # samples of a leaf, at least: what fewer show is chance


def tree_scores(
    features: FloatArray, success: npt.NDArray[np.bool_], asked: FloatArray, seed: int
) -> FloatArray:
    """Probability of success of other samples, by trees trained on some.

    Args:
        features: (n, k).
        success: Outcomes, (n,).
        asked: Of the others, (m, k).
        seed: Decides the trees.

    Returns:
        (m,).
    """
    trees = ExtraTreesClassifier(
        _NUM_TREES, min_samples_leaf=_LEAF, max_features="sqrt", random_state=seed, n_jobs=1
    )
    shares = trees.fit(features, success).predict_proba(asked)
    # With one outcome alone there is nothing to tell apart.
    return np.asarray(shares[:, -1] if shares.shape[1] > 1 else np.zeros(len(asked)), np.float64)
