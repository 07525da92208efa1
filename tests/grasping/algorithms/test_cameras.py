from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.grasping.algorithms.cameras import (
    STATIONS,
    look_at,
    simulation_camera,
    station_camera,
)
from tasks.grasping.config import CameraConfig, RandomiseConfig
from tasks.grasping.data.projection import project
from tasks.grasping.types import Camera
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M, GRASP_AREA_M

STILL, MOVING = RandomiseConfig(), RandomiseConfig(camera=True)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def floor_corners_m(size_m: tuple[float, float]) -> np.ndarray:
    signs = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    corners = np.array(BIN_CENTRE_M) + signs * np.array(size_m) / 2
    return np.column_stack([corners, np.full(4, BIN_FLOOR_M)])


def all_cameras(config: CameraConfig) -> list[Camera]:
    stations = [station_camera(each, config, STILL, rng())[0] for each in STATIONS]
    return [simulation_camera(config, STILL, rng()), *stations]


def test_camera_above_looks_straight_at_its_target():
    pose = look_at(np.array([1.0, 0.0, 2.0]), np.array([1.5, 0.0, 2.0]))

    # x right is base -y, y down is base -z, z forward is base x.
    np.testing.assert_allclose(
        pose, [[0, -1, 0, 0], [0, 0, -1, 2], [1, 0, 0, -1], [0, 0, 0, 1]], atol=1e-12
    )


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6), st.floats(-30, 30))
def test_target_is_in_the_middle_and_up_is_up(values: list[float], roll_deg: float):
    eye, target = np.array(values[:3]) + np.array([3, 0, 0]), np.array(values[3:])
    pose = look_at(eye, target, roll_deg)

    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(pose[:3, :3] @ eye + pose[:3, 3], 0, atol=1e-9)
    seen = pose @ [*target, 1]
    np.testing.assert_allclose(seen[:2], 0, atol=1e-9)
    assert seen[2] == pytest.approx(np.linalg.norm(target - eye))
    above = pose @ np.append(target + np.array([0, 0, 0.1]), 1)
    assert above[1] < 0


def test_the_whole_bin_is_seen_from_every_camera_at_34_degrees():
    for camera in all_cameras(CameraConfig(size_px=128)):
        seen_px, depth_m = project(floor_corners_m(BIN_INNER_M), camera)
        assert (depth_m > 0.8).all()
        assert (seen_px > 0).all()
        assert (seen_px < 127).all()


def test_all_grasps_are_seen_from_every_camera_at_24_degrees():
    for camera in all_cameras(CameraConfig(size_px=128, view_deg=24)):
        seen_px, _ = project(floor_corners_m(GRASP_AREA_M), camera)
        assert (seen_px > 0).all()
        assert (seen_px < 127).all()


def test_field_of_view_is_the_setting():
    camera = simulation_camera(CameraConfig(size_px=100, view_deg=60), STILL, rng())
    assert 2 * np.degrees(np.arctan(50 / camera.fx_px)) == pytest.approx(60)
    assert (camera.cx_px, camera.cy_px) == (49.5, 49.5)
    assert camera.distortion == (0, 0)


def test_camera_stands_still_unless_it_is_randomised():
    config = CameraConfig()
    first, second = (
        simulation_camera(config, STILL, np.random.default_rng(seed)) for seed in (1, 2)
    )
    np.testing.assert_array_equal(first.camera_from_base, second.camera_from_base)

    moved = [simulation_camera(config, MOVING, np.random.default_rng(seed)) for seed in range(400)]
    centres = np.array([np.linalg.inv(each.camera_from_base)[:3, 3] for each in moved])
    still = np.linalg.inv(first.camera_from_base)[:3, 3]
    np.testing.assert_allclose((centres - still).std(0), MOVING.camera_shift_m, rtol=0.2)
    turns = [
        np.degrees(
            np.arccos(np.clip(each.camera_from_base[2, :3] @ first.camera_from_base[2, :3], -1, 1))
        )
        for each in moved
    ]
    # Two components of the turn tilt the axis: Rayleigh, with a mean of sigma sqrt(pi / 2).
    assert np.mean(turns) == pytest.approx(MOVING.camera_turn_deg * np.sqrt(np.pi / 2), rel=0.1)
    assert np.std([each.fx_px for each in moved]) / first.fx_px == pytest.approx(0.03, rel=0.15)


def test_stations_differ_from_simulation_and_from_each_other():
    cameras = all_cameras(CameraConfig(size_px=128))
    places = [np.linalg.inv(each.camera_from_base)[:3, 3] for each in cameras]
    for index, place in enumerate(places):
        for other in places[:index]:
            assert np.linalg.norm(place - other) > 0.08
    assert len({each.fx_px for each in cameras}) == len(cameras)
    assert all(each.distortion[0] < 0 for each in cameras[1:])


def test_calibration_is_off_by_what_the_station_says_and_never_moves():
    config = CameraConfig(size_px=128)
    for station in STATIONS:
        aimed = look_at(np.array(station.eye_m), np.array(station.target_m), station.roll_deg)
        pairs = [
            station_camera(station, config, STILL, np.random.default_rng(seed)) for seed in (1, 2)
        ]
        for camera, calibrated in pairs:
            error = calibrated.camera_from_base @ np.linalg.inv(aimed)
            np.testing.assert_allclose(error[:3, 3] * 1000, station.shift_mm, atol=1e-9)
            angle = np.degrees(np.arccos((np.trace(error[:3, :3]) - 1) / 2))
            assert angle == pytest.approx(np.linalg.norm(station.turn_deg), rel=1e-6)
            assert camera.distortion == calibrated.distortion == station.distortion
            assert camera.fx_px == calibrated.fx_px
            off_px = project(floor_corners_m(BIN_INNER_M), camera)[0]
            off_px = off_px - project(floor_corners_m(BIN_INNER_M), calibrated)[0]
            assert 0.2 < np.linalg.norm(off_px, axis=1).max() < 4
        np.testing.assert_array_equal(pairs[0][1].camera_from_base, pairs[1][1].camera_from_base)
        assert np.abs(pairs[0][0].camera_from_base - pairs[1][0].camera_from_base).max() > 1e-5
