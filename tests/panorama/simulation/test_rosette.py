"""The rig: layout, errors, coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.camera.camera import rays
from tasks.panorama.camera.overlaps import largest_connected, overlapping_pairs
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.simulation.rosette import make_rigs

SMALL = SimulationConfig(width_px=96, height_px=128)


def _rigs(seed: int = 0, **changes):
    return make_rigs(replace(SMALL, **changes), np.random.default_rng(seed))


def _errors_deg(rigs) -> np.ndarray:
    return np.degrees(
        [
            Rotation.from_matrix(true.camera_from_rig @ nominal.camera_from_rig.T).as_rotvec()
            for nominal, true in zip(rigs.nominal.cameras, rigs.true.cameras, strict=True)
        ]
    )


def test_the_rosette_of_fifteen():
    rig = _rigs().nominal
    names = [camera.name for camera in rig.cameras]
    assert names == [f"level_{k}" for k in range(8)] + [f"raised_{k}" for k in range(6)] + [
        "zenith"
    ]
    middle = np.array([[47.5, 63.5]])
    looks = {camera.name: rays(camera, middle)[0] for camera in rig.cameras}
    assert looks["level_0"] == pytest.approx([0, 0, 1], abs=1e-12)
    assert looks["level_2"] == pytest.approx([1, 0, 0], abs=1e-12)
    assert looks["zenith"] == pytest.approx([0, -1, 0], abs=1e-12)
    assert looks["raised_0"][1] < -0.6
    # Portrait cameras stand upright: down in the picture is down.
    below = rays(rig.cameras[2], np.array([[47.5, 127.0]]))[0]
    assert below[1] > 0.5
    for camera in rig.cameras:
        assert camera.centre_m == pytest.approx(0.1 * looks[camera.name])


def test_horizontal_field_of_view():
    camera = _rigs().nominal.cameras[0]
    left, right = rays(camera, np.array([[-0.5, 63.5], [95.5, 63.5]]))
    assert np.degrees(np.arccos(left @ right)) == pytest.approx(62.0)


@pytest.mark.parametrize("num_cameras", [2, 3, 4, 5, 6, 8, 9, 12, 15])
def test_every_size_hangs_together(num_cameras):
    rig = _rigs(num_cameras=num_cameras).nominal
    assert len({camera.name for camera in rig.cameras}) == num_cameras
    pairs = overlapping_pairs(rig, 0.02)
    assert largest_connected(num_cameras, pairs) == tuple(range(num_cameras))
    if 5 <= num_cameras <= 8:
        assert (0, num_cameras - 1) in pairs


def test_without_errors_the_calibration_is_true():
    rigs = _rigs(rotation_error_deg=0.0, focal_error=0.0, timing_error_s=0.0)
    for nominal, true in zip(rigs.nominal.cameras, rigs.true.cameras, strict=True):
        assert true.params == nominal.params
        assert np.array_equal(true.camera_from_rig, nominal.camera_from_rig)
        assert np.array_equal(true.centre_m, nominal.centre_m)


def test_errors_have_the_size_that_was_asked_for():
    drawn = [_rigs(seed) for seed in range(30)]
    turns = np.concatenate([_errors_deg(rigs) for rigs in drawn])
    assert np.sqrt((turns**2).mean()) == pytest.approx(0.12, rel=0.08)
    pairs = [
        pair for rigs in drawn for pair in zip(rigs.nominal.cameras, rigs.true.cameras, strict=True)
    ]
    stretch = np.array([true.params[0] / nominal.params[0] - 1 for nominal, true in pairs])
    assert np.sqrt((stretch**2).mean()) == pytest.approx(0.003, rel=0.12)
    moved = np.array([true.centre_m - nominal.centre_m for nominal, true in pairs])
    assert np.abs(moved[:, :2]).max() < 1e-12
    assert 0.035 < np.abs(moved[:, 2]).max() <= 0.04


def test_known_distortion_is_in_the_calibration():
    camera = _rigs(distortion=-0.05).nominal.cameras[0]
    assert camera.model == "OPENCV"
    assert camera.params[4:] == (-0.05, 0.0, 0.0, 0.0)
