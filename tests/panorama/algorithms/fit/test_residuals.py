from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.residuals import (
    PX_PER_RAD,
    linearise,
    panorama_px_per_source_px,
    tangent_planes,
)
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import DISTORTION, make_camera, ring_rig


def _fields(rig: Rig, size_px: float) -> tuple[SplineField, ...]:
    rng = np.random.default_rng(1)
    return tuple(
        SplineField(rng.uniform(-size_px, size_px, (8, 6, 2)), c.width_px, c.height_px)
        for c in rig.cameras
    )


def test_matches_of_an_alignment_have_no_misalignment() -> None:
    rig = ring_rig(3, 30.0, model="OPENCV")
    alignment = Alignment(rig, _fields(rig, 2.0))
    matches = matches_under(alignment, [(0, 1), (1, 2)], 200)
    assert len(matches) > 50
    assert errors_px(alignment, matches).max() < 1e-3


def test_a_turned_camera_is_off_by_its_angle() -> None:
    rig, turned = ring_rig(2, 30.0), ring_rig(2, 30.5)
    matches = matches_under(Alignment(rig, (None, None)), [(0, 1)], 300)
    off_px = errors_px(Alignment(turned, (None, None)), matches)
    assert off_px.max() == pytest.approx(np.deg2rad(0.5) * PX_PER_RAD, rel=0.05)


@pytest.mark.parametrize("model", DISTORTION)
def test_linear_residuals_predict_small_moves(model: str) -> None:
    rig = ring_rig(2, 30.0, model=model)
    matches = matches_under(Alignment(rig, (None, None)), [(0, 1)], 300)
    start = Alignment(rig, _fields(rig, 0.5))
    linear = linearise(start, matches)
    moves = _fields(rig, 0.2)
    moved = Alignment(
        rig,
        tuple(
            SplineField(s.control_px + m.control_px, s.width_px, s.height_px)
            for s, m in zip(start.fields, moves, strict=True)
        ),
    )
    predicted = (
        linear.constant_px
        + np.einsum("nij,nj->ni", linear.slope_a, moves[0].sample(matches.points_a_px))
        - np.einsum("nij,nj->ni", linear.slope_b, moves[1].sample(matches.points_b_px))
    )
    actual = errors_px(moved, matches)
    np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), actual, atol=0.02)


def test_tangent_planes_are_orthonormal() -> None:
    directions = np.random.default_rng(2).normal(size=(30, 3))
    planes = tangent_planes(directions)
    np.testing.assert_allclose(
        planes @ planes.transpose(0, 2, 1), np.eye(2)[None] + np.zeros((30, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.einsum("nij,nj->ni", planes, directions), 0, atol=1e-12)


def test_scale_of_a_pinhole_in_the_middle() -> None:
    rig = Rig((make_camera(focal_px=500.0),))
    assert panorama_px_per_source_px(rig, 0) == pytest.approx(PX_PER_RAD / 500.0, rel=1e-3)
