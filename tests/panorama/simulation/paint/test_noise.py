"""Random fields with detail at all scales."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.panorama.simulation.paint.noise import fractal


def _field(texels_per_m: float, seed: int = 1) -> np.ndarray:
    return fractal(np.random.default_rng(seed), (8.0, 6.0), texels_per_m, coarsest_m=1.0)


def test_size_mean_and_spread():
    field = _field(40.0)
    assert field.shape == (240, 320)
    assert abs(field.mean()) < 0.3
    assert 0.6 < field.std() < 1.4


def test_a_finer_raster_shows_the_same_picture():
    coarse, fine = _field(10.0), _field(80.0)
    shrunk = cv2.resize(fine, coarse.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(coarse.ravel(), shrunk.ravel())[0, 1] > 0.85


def test_a_finer_raster_has_finer_detail():
    steps = [np.abs(np.diff(_field(density), axis=1)).mean() for density in (10.0, 80.0)]
    # An eighth of the distance, yet far more than an eighth of the difference.
    assert steps[1] > steps[0] / 5


def test_only_the_seed_decides():
    assert np.array_equal(_field(20.0), _field(20.0))
    assert np.corrcoef(_field(20.0).ravel(), _field(20.0, seed=2).ravel())[0, 1] < 0.4


def test_drawing_leaves_the_generator_alone():
    used, unused = np.random.default_rng(3), np.random.default_rng(3)
    fractal(used, (2.0, 2.0), 30.0)
    assert used.random() == pytest.approx(unused.random())
