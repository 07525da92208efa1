"""Truth on disk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.truth import load_truth, save_truth
from tasks.panorama.types import Camera, Photometry, Rig, TruePoints, Truth


def _truth() -> Truth:
    rng = np.random.default_rng(0)
    cameras = tuple(
        Camera(name, 8, 6, "OPENCV", tuple(rng.random(8)), rng.random((3, 3)), rng.random(3))
        for name in ("left", "right")
    )
    points = TruePoints(
        np.array([0, 0]),
        np.array([1, 1]),
        rng.random((2, 2)),
        rng.random((2, 2)),
        np.array([True, False]),
    )
    panorama = rng.integers(0, 256, (4, 8, 3), np.uint8)
    depths = tuple(np.array([[1.5, np.inf]], np.float32) * k for k in (1, 2))
    photometry = Photometry(rng.random((2, 3)), (-0.2, -0.1))
    return Truth(Rig(cameras), photometry, points, panorama, panorama[..., 0] > 99, depths)


def test_round_trip(tmp_path):
    truth = _truth()
    save_truth(tmp_path / "truth", truth)
    read = load_truth(tmp_path)
    for one, other in zip(read.rig.cameras, truth.rig.cameras, strict=True):
        assert (one.name, one.width_px, one.height_px, one.model, one.params) == (
            other.name,
            other.width_px,
            other.height_px,
            other.model,
            other.params,
        )
        assert np.array_equal(one.camera_from_rig, other.camera_from_rig)
        assert np.array_equal(one.centre_m, other.centre_m)
    assert np.array_equal(read.photometry.gains, truth.photometry.gains)
    assert read.photometry.vignetting == truth.photometry.vignetting
    for name in ("image_a", "image_b", "points_a_px", "points_b_px", "is_sky"):
        assert np.array_equal(getattr(read.points, name), getattr(truth.points, name))
    assert len(read.points) == 2
    assert np.array_equal(read.panorama, truth.panorama)
    assert np.array_equal(read.panorama_is_sky, truth.panorama_is_sky)
    for one, other in zip(read.depths_m, truth.depths_m, strict=True):
        assert np.array_equal(one, other)


def test_panorama_and_depth_may_be_left_out(tmp_path):
    save_truth(
        tmp_path / "truth", replace(_truth(), panorama=None, panorama_is_sky=None, depths_m=())
    )
    read = load_truth(tmp_path)
    assert read.panorama is None
    assert read.panorama_is_sky is None
    assert read.depths_m == ()


def test_a_real_capture_has_no_truth(tmp_path):
    with pytest.raises(DataError, match="only simulated captures"):
        load_truth(tmp_path)
