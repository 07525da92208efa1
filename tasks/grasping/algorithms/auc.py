"""How well something tells successes from failures: the area under the ROC curve, by scene.

Attempts of one scene share its objects, so they are no independent observations. Whatever is
trained is asked about scenes that it did not see, and what the area is uncertain by comes from
drawing scenes, not attempts.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from tasks.grasping.types import FloatArray
from tasks.report.estimates import LEVEL, NUM_RESAMPLED, Estimate

NUM_FOLDS: Final = 5
_NUM_TREES = 100
_LEAF = 10  # attempts of a leaf, at least: what fewer show is chance

BoolArray = npt.NDArray[np.bool_]


def unseen_scores(
    features: FloatArray, is_success: BoolArray, scenes: npt.NDArray[Any]
) -> FloatArray:
    """Probability of success from features, by trees that saw other scenes only.

    P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 2006: the
    model that small features took most from here, without anything to tune.

    Args:
        features: What is known of each attempt, (n, k).
        is_success: Its outcome, (n,).
        scenes: Its scene, (n,), `NUM_FOLDS` different ones at least.
    """
    trees = ExtraTreesClassifier(_NUM_TREES, min_samples_leaf=_LEAF, random_state=0)
    folds = StratifiedGroupKFold(NUM_FOLDS)
    shares = cross_val_predict(
        trees, features, is_success, groups=scenes, cv=folds, method="predict_proba"
    )
    return np.asarray(shares[:, 1], np.float64)


def auc_by_scene(
    scores: FloatArray, is_success: BoolArray, scenes: npt.NDArray[Any], rng: np.random.Generator
) -> Estimate:
    """Chance that a success has a higher score than a failure, with the interval over scenes.

    Args:
        scores: Higher where success is more likely, (n,).
        is_success: The outcome, (n,).
        scenes: Scene of each attempt, (n,).
        rng: Draws the scenes of the bootstrap.

    Raises:
        ValueError: All attempts have one outcome.
    """
    if is_success.all() or not is_success.any():
        raise ValueError("expected successes and failures, got one of them alone")
    names, scene = np.unique(scenes, return_inverse=True)
    wins = wins_by_scene(scores, is_success, scene, len(names))
    successes, failures = (
        np.bincount(scene[outcome], minlength=len(names)).astype(np.float64)
        for outcome in (is_success, ~is_success)
    )
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), NUM_RESAMPLED)
    weights = drawn.astype(np.float64)
    pairs = (weights @ successes) * (weights @ failures)
    found = ((weights @ wins) * weights).sum(axis=1)[pairs > 0] / pairs[pairs > 0]
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = wins.sum() / (successes.sum() * failures.sum())
    return Estimate(float(value), float(np.std(found)), float(low), float(high), len(scores))


def wins_by_scene(
    scores: FloatArray, is_success: BoolArray, scene: npt.NDArray[np.int64], num_scenes: int
) -> FloatArray:
    """Pairs of a success of scene i and a failure of scene j in the right order, (i, j).

    A tie counts half.
    """
    failed, of_failed = scores[~is_success], scene[~is_success]
    wins = np.zeros((num_scenes, num_scenes))
    for index in range(num_scenes):
        succeeded = scores[is_success & (scene == index)][:, None]
        right = (succeeded > failed).sum(axis=0) + (succeeded == failed).sum(axis=0) / 2
        wins[index] = np.bincount(of_failed, weights=right, minlength=num_scenes)
    return wins
