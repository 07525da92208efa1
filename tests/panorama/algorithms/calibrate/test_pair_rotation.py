from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate.pair_rotation import best_rotation, find_rotation


def bearings(rng: np.random.Generator, num: int) -> np.ndarray:
    points = np.column_stack([rng.uniform(-0.5, 0.5, (num, 2)), np.ones(num)])
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.7))
def test_finds_the_rotation_among_wrong_matches(seed, wrong_share):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(rng=rng).as_matrix()
    first = bearings(rng, 100)
    second = first @ rotation.T + rng.normal(0, 0.0005, (100, 3))
    wrong = rng.random(100) < wrong_share
    second[wrong] = bearings(rng, int(wrong.sum())) @ rotation.T
    found = find_rotation(first, second, 0.005)
    angle = np.linalg.norm(Rotation.from_matrix(found.second_from_first @ rotation.T).as_rotvec())
    assert angle < 0.002
    assert found.inliers[~wrong].all()
    assert found.inliers[wrong].mean() < 0.2 if wrong.sum() > 10 else True
    assert found.score == pytest.approx((~wrong).sum(), rel=0.1, abs=3)


def test_best_rotation_is_no_reflection():
    first = np.eye(3)[:2]
    rotation = best_rotation(first, np.array([[0.0, 1, 0], [-1, 0, 0]]), np.ones(2))
    assert np.allclose(rotation, [[0, -1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_matches(num):
    found = find_rotation(np.zeros((num, 3)), np.zeros((num, 3)), 0.01)
    assert found.score == 0
    assert not found.inliers.any()
