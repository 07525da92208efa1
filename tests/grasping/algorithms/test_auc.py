"""Areas under ROC curves, against scikit-learn and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.grasping.algorithms.auc import auc_by_scene, unseen_scores


def drawn(num_scenes: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with ties, outcomes that go with them, scenes of unequal sizes."""
    rng = np.random.default_rng(seed)
    scenes = np.sort(rng.integers(num_scenes, size=num_scenes * each))
    scores = rng.integers(0, 30, len(scenes)) / 30
    return scores, rng.random(len(scenes)) < 0.2 + 0.4 * scores, scenes


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_scikit_learn(seed: int) -> None:
    scores, is_success, scenes = drawn(20, 6, seed)
    found = auc_by_scene(scores, is_success, scenes, np.random.default_rng(0))
    assert found.value == pytest.approx(roc_auc_score(is_success, scores))
    assert found.low < found.value < found.high
    assert found.num == 120


def test_the_interval_holds_as_often_as_it_says() -> None:
    """Of scenes that share a part of their scores, which attempts that are drawn alone miss."""
    truth, held, width, alone = 0.5, 0, [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        scenes = np.repeat(np.arange(30), 8)
        shared = rng.normal(size=30)[scenes]
        outcomes = rng.random(240) < 1 / (1 + np.exp(-2 * rng.normal(size=30)[scenes]))
        scores = shared + 0.3 * rng.normal(size=240)
        found = auc_by_scene(scores, outcomes, scenes, rng)
        held += found.low <= truth <= found.high
        width.append(found.error)
        if seed < 5:
            alone.append(auc_by_scene(scores, outcomes, np.arange(240), rng).error)
    assert 52 <= held <= 59
    assert np.mean(width) > 1.5 * np.mean(alone)


def test_one_outcome_alone_has_no_area() -> None:
    for value in (True, False):
        with pytest.raises(ValueError, match="expected successes and failures"):
            auc_by_scene(np.ones(4), np.full(4, value), np.arange(4), np.random.default_rng(0))


def test_what_only_tells_scenes_apart_predicts_nothing() -> None:
    """All attempts of a scene have one outcome and one feature, which no other scene has."""
    rng = np.random.default_rng(1)
    scenes = np.repeat(np.arange(80), 6)
    is_success = (rng.random(80) < 0.5)[scenes]
    scores = unseen_scores(rng.random(80)[scenes][:, None], is_success, scenes)
    assert abs(roc_auc_score(is_success, scores) - 0.5) < 0.2
    assert scores.shape == (480,)


def test_what_tells_outcomes_is_found() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(600, 3))
    is_success = features[:, 1] + 0.3 * rng.normal(size=600) > 0
    scores = unseen_scores(features, is_success, np.repeat(np.arange(50), 12))
    assert roc_auc_score(is_success, scores) > 0.9
