from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.match.overlap_view import inside, overlap_view, resample, view_map
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import CameraModel
from tests.support.panorama.rigs import DISTORTION, make_camera, ring_rig
from tests.support.panorama.views import photograph, textured_sphere


@pytest.mark.parametrize("model", DISTORTION)
def test_both_images_agree_in_the_view_of_a_true_rig(model: CameraModel) -> None:
    first, second = ring_rig(2, 30.0, model=model).cameras
    sphere = textured_sphere()
    view = overlap_view(first, second, 0.01)
    assert view is not None
    patches, seen = [], []
    for camera in (first, second):
        maps = view_map(view, camera)
        patches.append(resample(photograph(camera, sphere), *maps, outside=0).astype(float))
        seen.append(inside(*maps, np.ones((camera.height_px, camera.width_px), bool)))
    both = seen[0] & seen[1]
    assert both.mean() > 0.4
    assert np.abs(patches[0] - patches[1])[both].mean() < 4.0


def test_the_view_is_long_along_the_overlap_and_as_sharp_as_the_images() -> None:
    first, second = ring_rig(2, 45.0).cameras
    view = overlap_view(first, second, 0.0)
    assert view is not None
    assert view.width_px > 2 * view.height_px
    assert view.px_per_rad == pytest.approx(first.params[0], rel=0.05)


def test_the_coarse_map_is_exact_enough() -> None:
    first, second = ring_rig(2, 30.0, model="OPENCV").cameras
    view = overlap_view(first, second, 0.0)
    assert view is not None
    map_x, map_y = view_map(view, second)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, view.width_px, 200), rng.integers(0, view.height_px, 200)
    points, valid = project(second, view.directions(np.column_stack([x, y]).astype(float)))
    approximate = np.column_stack([map_x[y, x], map_y[y, x]])
    assert np.abs(points - approximate)[valid].max() < 0.04


def test_view_directions_round_trip_through_the_rig_frame() -> None:
    first, second = ring_rig(2, 30.0).cameras
    view = overlap_view(first, second, 0.0)
    assert view is not None
    middle = np.array([[view.width_px / 2, view.height_px / 2]])
    towards = rays(first, np.array([[119.5, 159.5]])) + rays(second, np.array([[119.5, 159.5]]))
    assert float(view.directions(middle)[0] @ towards[0]) / np.linalg.norm(towards) > 0.98


def test_masked_pixels_are_not_seen() -> None:
    first, second = ring_rig(2, 30.0).cameras
    view = overlap_view(first, second, 0.0)
    assert view is not None
    maps = view_map(view, first)
    mask = np.zeros((first.height_px, first.width_px), bool)
    assert not inside(*maps, mask).any()


def test_images_that_do_not_overlap_have_no_view() -> None:
    front = make_camera(focal_px=400.0)
    back = ring_rig(2, 180.0, focal_px=400.0).cameras[1]
    assert overlap_view(front, back, 0.1) is None
