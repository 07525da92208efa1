"""Ridge regression on choices and pairs, against the same regression written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tasks.nas.search.strategies.predictor import predict


def features(child: np.ndarray) -> np.ndarray:
    single = np.eye(3)[child]
    pairs = [np.outer(single[i], single[j]).ravel() for i, j in itertools.combinations(range(4), 2)]
    return np.concatenate([single.ravel(), *pairs])


def test_predictions_are_those_of_the_primal_regression() -> None:
    rng = np.random.default_rng(0)
    known, wanted = rng.integers(3, size=(30, 4)), rng.integers(3, size=(5, 4))
    rewards = rng.normal(size=30)
    design = np.stack([features(child) for child in known])
    penalty = 0.2 * len(known) * np.eye(design.shape[1])
    weights = np.linalg.solve(design.T @ design + penalty, design.T @ (rewards - rewards.mean()))
    expected = rewards.mean() + np.stack([features(child) for child in wanted]) @ weights
    assert predict(known, rewards, wanted, 0.2) == pytest.approx(expected)


def test_an_interaction_of_two_choices_is_found() -> None:
    children = np.array(list(itertools.product(range(3), repeat=4)))
    rewards = ((children[:, 0] == 1) & (children[:, 2] == 2)).astype(float)
    trained = np.random.default_rng(0).permutation(len(children))[:60]
    scores = predict(children[trained], rewards[trained], children, 1e-4)
    assert set(np.argsort(-scores)[:9]) == set(np.flatnonzero(rewards))
