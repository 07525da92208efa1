from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from tasks.graspgan.controls.trees import tree_scores


def test_trees_learn_and_repeat_themselves() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6))
    success = features[:, 0] * features[:, 1] > 0
    scores = tree_scores(features[:200], success[:200], features[200:], 0)
    assert roc_auc_score(success[200:], scores) > 0.75
    again = tree_scores(features[:200], success[:200], features[200:], 0)
    assert (scores == again).all()


def test_one_outcome_tells_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(20, 2))
    assert (tree_scores(features, np.zeros(20, bool), features[:3], 0) == 0).all()
