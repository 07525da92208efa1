from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.grasping.data.projection import project
from tests.support.grasping.toy_world import toy_camera


@given(st.integers(0, 2**32))
def test_points_fall_where_opencv_puts_them(seed: int) -> None:
    camera = toy_camera(64)
    points_m = np.random.default_rng(seed).uniform([0.4, -0.2, -0.2], [0.8, 0.2, 0.1], (8, 3))
    rotation, shift_m = camera.camera_from_base[:3, :3], camera.camera_from_base[:3, 3]
    matrix = np.array([[camera.fx_px, 0, camera.cx_px], [0, camera.fy_px, camera.cy_px], [0, 0, 1]])
    lens = np.array([*camera.distortion, 0.0, 0.0])
    expected, _ = cv2.projectPoints(points_m, cv2.Rodrigues(rotation)[0], shift_m, matrix, lens)
    found_px, depth_m = project(points_m, camera)
    assert np.allclose(found_px, expected[:, 0], atol=1e-6)
    assert np.allclose(depth_m, (points_m @ rotation.T + shift_m)[:, 2])


def test_points_behind_the_camera_have_negative_depth() -> None:
    _, depth_m = project(np.array([[2.0, 0.0, 1.5]]), toy_camera())
    assert depth_m[0] < 0
