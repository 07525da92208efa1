from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.grasping.data.projection import project
from tasks.grasping.looks.lens import distort, pixel_rays
from tasks.grasping.workspace import BIN_FLOOR_M
from tests.support.grasping.flat_scenes import box_on_floor, camera

K = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.05, 0.05))


def test_ideal_lens_changes_nothing():
    rendering = box_on_floor(camera())
    assert distort(rendering) is rendering


@given(K)
def test_ray_of_a_pixel_is_seen_at_that_pixel_by_opencv(distortion: tuple[float, float]):
    lens = camera(size_px=32, view_deg=50, distortion=distortion)
    rays = pixel_rays(lens, is_distorted=True)
    points = np.concatenate([rays, np.ones((1, 32, 32))]).reshape(3, -1).T.astype(np.float64)
    matrix = np.array([[lens.fx_px, 0, lens.cx_px], [0, lens.fy_px, lens.cy_px], [0, 0, 1]])

    seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, (*distortion, 0, 0))

    x, y = np.meshgrid(np.arange(32), np.arange(32))
    np.testing.assert_allclose(seen[:, 0], np.stack([x.ravel(), y.ravel()], 1), atol=1e-3)


@given(K, st.integers(0, 63), st.integers(0, 63), st.floats(0.3, 3.0))
def test_a_pixel_cast_into_space_and_seen_again_is_where_it_was(
    distortion: tuple[float, float], column: int, row: int, depth_m: float
):
    lens = camera(distortion=distortion)
    x, y = pixel_rays(lens, is_distorted=True)[:, row, column]
    place = np.linalg.inv(lens.camera_from_base) @ [x * depth_m, y * depth_m, depth_m, 1]

    seen_px, seen_m = project(place[None, :3], lens)

    np.testing.assert_allclose(seen_px, [[column, row]], atol=1e-3)
    assert seen_m[0] == pytest.approx(depth_m)


def test_distorted_picture_shows_points_where_opencv_projects_them():
    lens = camera(size_px=128, distortion=(-0.3, 0.05))
    dots = np.array([[20, 25], [64, 64], [100, 30], [40, 110], [110, 105]])
    rendering = box_on_floor(lens)
    rgb = np.zeros((128, 128, 3), np.uint8)
    for x, y in dots:
        cv2.circle(rgb, (int(x), int(y)), 2, (255, 255, 255), -1)

    bent = distort(replace(rendering, rgb=rgb)).rgb[..., 0]

    matrix = np.array([[lens.fx_px, 0, lens.cx_px], [0, lens.fy_px, lens.cy_px], [0, 0, 1]])
    ideal = np.column_stack([(dots - [lens.cx_px, lens.cy_px]) / lens.fx_px, np.ones(5)])
    expected, _ = cv2.projectPoints(ideal, np.zeros(3), np.zeros(3), matrix, (-0.3, 0.05, 0, 0))
    _, _, _, centres = cv2.connectedComponentsWithStats((bent > 100).astype(np.uint8))
    for place in expected[:, 0]:
        assert np.linalg.norm(centres[1:] - place, axis=1).min() < 0.6
    assert np.abs(expected[:, 0] - dots).max() > 1


def test_ids_and_depth_stay_what_they_were_and_move_with_the_picture():
    lens = camera(size_px=128, distortion=(-0.5, 0.1))
    rendering = box_on_floor(lens, (0.4, -0.2, BIN_FLOOR_M), (0.8, 0.2, BIN_FLOOR_M + 0.05))
    rgb = np.repeat(rendering.instance_ids[..., None] * np.uint8(255), 3, axis=2)
    rendering = replace(rendering, rgb=rgb, shading=rgb[..., 0])

    bent = distort(rendering)

    for name in ("class_ids", "instance_ids", "part_ids", "depth_m", "shading"):
        before, after = getattr(rendering, name), getattr(bent, name)
        assert after.shape == before.shape
        assert after.dtype == before.dtype
        assert set(np.unique(after)) <= set(np.unique(before))
    assert bent.camera is rendering.camera
    assert (bent.instance_ids != rendering.instance_ids).any()
    # The picture's half-covered edge pixels apart, mask and picture agree.
    assert np.mean((bent.rgb[..., 0] > 127) == (bent.instance_ids == 1)) > 0.995


def test_rays_of_an_ideal_lens_ignore_the_distortion():
    bent, ideal = camera(distortion=(-0.2, 0.0)), camera()
    np.testing.assert_array_equal(
        pixel_rays(bent, is_distorted=False), pixel_rays(ideal, is_distorted=True)
    )


@pytest.mark.parametrize("distortion", [(-0.15, 0.03), (0.1, 0.0)])
def test_barrel_shows_more_and_pincushion_less(distortion: tuple[float, float]):
    lens = camera(distortion=distortion)
    corner = np.abs(pixel_rays(lens, is_distorted=True)[:, 0, 0])
    ideal = np.abs(pixel_rays(lens, is_distorted=False)[:, 0, 0])
    assert ((corner > ideal) == (distortion[0] < 0)).all()
