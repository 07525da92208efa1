from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.panorama.camera.camera import directions_of, project, rays, scaled
from tasks.panorama.types import Alignment, Camera, CameraModel, Rig
from tests.support.panorama.rigs import DISTORTION, make_camera

MODELS: list[CameraModel] = list(DISTORTION)


def pixels(camera: Camera, num: int = 60, seed: int = 0) -> np.ndarray:
    size = (camera.width_px, camera.height_px)
    return np.random.default_rng(seed).uniform(-0.5, np.array(size) - 0.5, (num, 2))


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    seed=st.integers(0, 99),
    focal=st.floats(150, 400),
)
def test_round_trip(model, angles, seed, focal):
    rotation = Rotation.from_euler("yxz", angles, degrees=True).as_matrix()
    if model == "HUGIN_ORTHOGRAPHIC":  # whose picture ends at a focal length from the middle
        focal += 150
    camera = make_camera(model, rotation=rotation, focal_px=focal)
    points = pixels(camera, seed=seed)
    directions = rays(camera, points)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-12)
    back, valid = project(camera, 3.7 * directions)
    assert valid.all()
    assert np.abs(back - points).max() < 1e-7


def test_known_answers():
    turned_right = Rotation.from_euler("y", 90, degrees=True).as_matrix().T
    camera = replace(make_camera(rotation=turned_right), params=(200.0, 200.0, 119.5, 159.5))
    assert np.allclose(rays(camera, np.array([[119.5, 159.5]])), [[1, 0, 0]])
    # A camera that looks right sees what is behind the rig on its own right.
    points, valid = project(camera, np.array([[2.0, 0, -1.0], [2.0, 0.5, 0.0]]))
    assert valid.all()
    assert np.allclose(points, [[219.5, 159.5], [119.5, 209.5]])


def test_equals_opencv():
    camera = make_camera("OPENCV")
    fisheye = make_camera("OPENCV_FISHEYE")
    fx, fy, cx, cy = camera.params[:4]
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    points = np.random.default_rng(1).uniform([-0.5, -0.7, 1], [0.5, 0.7, 1], (50, 3))
    zero = np.zeros(3)
    expected, _ = cv2.projectPoints(points, zero, zero, matrix, np.array(camera.params[4:]))
    assert np.abs(project(camera, points)[0] - expected[:, 0]).max() < 1e-9
    expected, _ = cv2.fisheye.projectPoints(
        points[:, None], zero, zero, matrix, np.array(fisheye.params[4:])
    )
    assert np.abs(project(fisheye, points)[0] - expected[:, 0]).max() < 1e-9


def test_hugin_polynomial():
    camera = replace(make_camera("HUGIN"), params=(200.0, 200.0, 119.5, 159.5, 0.1, -0.2, 0.3))
    # An ideal radius of 60 px is half of the half shorter side (120 px).
    stretch = 0.1 * 0.5**3 - 0.2 * 0.5**2 + 0.3 * 0.5 + (1 - 0.1 + 0.2 - 0.3)
    points, _ = project(camera, np.array([[60 / 200, 0, 1.0]]))
    assert np.allclose(points, [[119.5 + 60 * stretch, 159.5]])


@pytest.mark.parametrize("model", MODELS)
def test_behind_and_beside(model):
    camera = make_camera(model)
    directions = np.array([[0, 0, -1.0], [1e-9, 0, -1], [1, 0, 0], [0, 1, -0.1], [0, 0, 1]])
    points, valid = project(camera, directions)
    assert np.isfinite(points).all()
    assert valid.tolist() == [False, False, False, False, True]


def test_beyond_the_growing_part():
    # With k1 = -0.5 the radius shrinks again beyond tan = sqrt(2/3): a far direction would
    # fall back into the image.
    camera = replace(
        make_camera("OPENCV"), params=(200.0, 200.0, 119.5, 159.5, -0.5, 0.0, 0.0, 0.0)
    )
    _, valid = project(camera, np.array([[0.5, 0, 1.0], [1.3, 0, 1.0]]))
    assert valid.tolist() == [True, False]
    # The border pixel lies beyond the model's reach: it gets the last direction.
    edge = rays(camera, np.array([[119.5, 159.5 + 150.0]]))[0]
    assert np.isclose(edge[1] / edge[2], np.sqrt(2 / 3))


def test_border_is_half_a_pixel():
    camera = make_camera()
    points = np.array([[-0.49, 5], [-0.51, 5], [239.49, 5], [239.51, 5], [5, 319.51]])
    assert project(camera, rays(camera, points))[1].tolist() == [True, False, True, False, False]


@pytest.mark.parametrize("model", MODELS)
def test_scaled_sees_the_same(model):
    camera = make_camera(model)
    small = scaled(camera, 0.5)
    assert (small.width_px, small.height_px) == (120, 160)
    # Pixel (0, 0) of the small image covers pixels 0 and 1 of the large one.
    assert np.allclose(rays(small, np.zeros((1, 2))), rays(camera, np.full((1, 2), 0.5)))


def test_directions_of_adds_the_field():
    class Shift:
        def sample(self, points_px):
            return np.full_like(points_px, 2.0)

    camera = make_camera()
    alignment = Alignment(Rig((camera, camera)), (None, Shift()))
    points = pixels(camera)
    assert np.array_equal(directions_of(alignment, 0, points), rays(camera, points))
    assert np.array_equal(directions_of(alignment, 1, points), rays(camera, points + 2))
