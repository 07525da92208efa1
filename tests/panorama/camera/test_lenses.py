from __future__ import annotations

from dataclasses import replace
from math import inf, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.panorama.camera.lenses import NUM_PARAMS, distort, lens_of, undistort
from tests.support.panorama.rigs import make_camera


def lens(model, *distortion):
    camera = make_camera(model)
    return lens_of(replace(camera, params=(*camera.params[:4], *distortion)))


@pytest.mark.parametrize(
    ("model", "distortion", "expected"),
    [
        ("PINHOLE", (), inf),
        ("OPENCV", (0.1, 0.0, 0.0, 0.0), inf),
        ("OPENCV", (-0.1, 0.0, 0.0, 0.0), sqrt(1 / 0.3)),
        ("OPENCV_FISHEYE", (0.0, 0.0, 0.0, 0.0), pi),
        ("OPENCV_FISHEYE", (-0.1, 0.0, 0.0, 0.0), sqrt(1 / 0.3)),
    ],
)
def test_range_of_a_model(model, distortion, expected):
    assert len(distortion) + 4 == NUM_PARAMS[model]
    assert lens(model, *distortion).max_radius == pytest.approx(expected)


def test_hugin_polynomial_counts_half_shorter_sides():
    # Focal length 200 px and half shorter side 120 px: rho = 0.6 is one half side.
    stretched = lens("HUGIN", 0.1, 0.0, 0.0)
    points, known = distort(stretched, np.array([[0.6, 0, 1.0], [0.3, 0, 1.0]]))
    assert known.all()
    assert np.allclose(points[:, 0], [0.6, 0.3 * (0.9 + 0.1 / 8)])


@settings(deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.1, 0.1), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_inverse_within_the_range(k1, k2, p1, p2):
    bent = lens("OPENCV", k1, k2, p1, p2)
    # Near its end a model is flat, so that its inverse is not sharp.
    reach = min(0.7 * bent.max_radius, 1.0)
    angles = np.linspace(0, 2 * pi, 12)
    plane = reach * np.column_stack([np.cos(angles), np.sin(angles), np.full(12, 1 / reach)])
    points, known = distort(bent, plane)
    assert known.all()
    back = undistort(bent, points)
    assert np.abs(back - plane / np.linalg.norm(plane, axis=1, keepdims=True)).max() < 1e-6


def test_a_vanishing_coefficient_is_none():
    assert lens("OPENCV", 0.0, 2.2e-313, 0.0, 0.0).max_radius == inf
