from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate import bundle_rays
from tasks.panorama.algorithms.calibrate.bundle_rays import (
    FocalPrior,
    RayBundle,
    RayMatches,
    adjust,
    bearings,
    residuals_px,
)

PRIOR = FocalPrior(np.log([500.0]), np.array([1.0]), 0.5, 1.0)


def scene(num_images: int = 4, k1: float = 0.05) -> tuple[RayBundle, RayMatches]:
    """Cameras 0.3 rad apart with focal length 400 px, and exact matches."""
    turns = Rotation.from_rotvec([[0, 0.3 * i, 0] for i in range(num_images)]).as_matrix()
    bundle = RayBundle(turns, np.zeros(num_images, int), np.log([400.0]), k1)
    rng = np.random.default_rng(0)
    first, second, here, there, pairs = [], [], [], [], []
    for i, j in pairwise(range(num_images)):
        points = rng.uniform(-150, 150, (40, 2))
        local = bearings(points, 400.0, k1) @ bundle.rig_from_camera[i].T
        other = local @ bundle.rig_from_camera[j]
        plane = other[:, :2] / other[:, 2:]
        pairs.append(slice(40 * len(first), 40 * len(first) + 40))
        first.append(np.full(40, i))
        second.append(np.full(40, j))
        here.append(points)
        there.append(400.0 * plane * (1 + k1 * (plane**2).sum(axis=1, keepdims=True)))
    joined = [np.concatenate(x) for x in (first, second, here, there)]
    return bundle, RayMatches(*joined, tuple(pairs))


def disturbed(bundle: RayBundle) -> RayBundle:
    noise = Rotation.from_rotvec(np.random.default_rng(1).normal(0, 0.02, (4, 3))).as_matrix()
    return RayBundle(
        noise @ bundle.rig_from_camera, bundle.focal_groups, bundle.log_focal + 0.15, 0.0
    )


def test_exact_matches_leave_nothing():
    bundle, matches = scene()
    assert residuals_px(bundle, matches).max() < 1e-3


def test_finds_rotations_focal_and_distortion():
    bundle, matches = scene()
    found = adjust(disturbed(bundle), matches, PRIOR, [50.0, 5.0, 1.0])
    assert found.focal_px[0] == pytest.approx(400, rel=2e-3)
    assert found.k1 == pytest.approx(0.05, abs=3e-3)
    relative = found.rig_from_camera[0].T @ found.rig_from_camera[3]
    expected = bundle.rig_from_camera[0].T @ bundle.rig_from_camera[3]
    assert np.abs(relative - expected).max() < 1e-3


def test_wrong_matches_do_not_pull():
    bundle, matches = scene()
    points = matches.points_second.copy()
    points[::5] += 60.0
    found = adjust(
        disturbed(bundle), replace(matches, points_second=points), PRIOR, [50.0, 5.0, 1.0]
    )
    assert found.focal_px[0] == pytest.approx(400, rel=0.01)


def test_a_tiny_sigma_holds_k1():
    bundle, matches = scene()
    prior = replace(PRIOR, k1_sigma=1e-6)
    assert abs(adjust(disturbed(bundle), matches, prior, [50.0, 5.0]).k1) < 1e-6


def test_derivatives_equal_differences():
    bundle, matches = scene()
    bundle = replace(
        disturbed(bundle), focal_groups=np.array([0, 1, 0, 1]), log_focal=np.log([380.0, 430.0])
    )
    prior = FocalPrior(np.log([400.0, 400.0]), np.array([1.0, 1.0]), 0.5, 1.0)
    _, gradient = bundle_rays._normal_equations(bundle, matches, prior, 5.0)
    numeric = np.zeros_like(gradient)
    for place in range(len(gradient)):
        step = np.zeros_like(gradient)
        step[place] = 1e-6
        costs = [
            bundle_rays._cost(bundle_rays._moved(bundle, s), matches, prior, 5.0)
            for s in (step, -step)
        ]
        numeric[place] = (costs[0] - costs[1]) / 2e-6 / 2
    assert np.allclose(gradient, numeric, rtol=2e-3, atol=2e-3 * np.abs(numeric).max())
