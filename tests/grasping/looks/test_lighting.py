from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.grasping.looks.lens import pixel_rays
from tasks.grasping.looks.lighting import direct_light, lit
from tasks.grasping.types import Rendering
from tasks.grasping.workspace import BIN_FLOOR_M
from tests.support.grasping.flat_scenes import box_on_floor, camera, plain_look, points_m


def light_on(rendering: Rendering, direction: tuple[float, float, float], shadow: float = 0.0):
    unit = tuple(np.array(direction) / np.linalg.norm(direction))
    look = plain_look(light_direction=unit, shadow_strength=shadow, ambient=0.0)
    rays = pixel_rays(rendering.camera, is_distorted=False)
    return direct_light(1 / rendering.depth_m, rays, rendering.camera, look)


BLOCK = ((0.45, -0.15, BIN_FLOOR_M), (0.7, 0.1, BIN_FLOOR_M + 0.1))


@settings(max_examples=25)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1), st.floats(-0.3, 0.3))
def test_light_on_each_face_is_the_cosine(x: float, y: float, z: float, eye_x_m: float):
    rendering = box_on_floor(camera(size_px=96, eye_m=(eye_x_m, -0.6, 0.7)), *BLOCK)
    light = light_on(rendering, (x, y, z))

    unit = np.array([x, y, z]) / np.linalg.norm([x, y, z])
    points = points_m(rendering)
    is_block = rendering.instance_ids == 1
    is_top = is_block & (np.abs(points[..., 2] - BLOCK[1][2]) < 1e-4)
    is_front = is_block & (np.abs(points[..., 1] - BLOCK[0][1]) < 1e-4)
    for face, cosine in ((is_top, unit[2]), (is_front, max(0.0, -unit[1])), (~is_block, unit[2])):
        inner = cv2.erode(face.astype(np.uint8), np.ones((3, 3)), borderValue=0) > 0
        assert inner.sum() > 20
        np.testing.assert_allclose(light[inner], cosine, atol=0.01)


def test_box_casts_its_shadow_away_from_the_lamp():
    rendering = box_on_floor(camera(size_px=128))
    points = points_m(rendering)
    without, with_shadow = (light_on(rendering, (1.0, 0.0, 1.0), s) for s in (0.0, 1.0))
    share = with_shadow / np.maximum(without, 1e-6)
    is_floor = rendering.instance_ids == 0

    def at(x_m: tuple[float, float], y_m: tuple[float, float]) -> np.ndarray:
        x, y = points[..., 0], points[..., 1]
        return share[is_floor & (x > x_m[0]) & (x < x_m[1]) & (y > y_m[0]) & (y < y_m[1])]

    # The lamp stands at 45 degrees over +x: the shadow of a box of 6 cm reaches 6 cm to -x.
    assert at((0.52, 0.55), (-0.03, 0.03)).mean() < 0.25
    assert at((0.67, 0.72), (-0.03, 0.03)).mean() > 0.95
    assert at((0.40, 0.46), (-0.03, 0.03)).mean() > 0.95
    assert at((0.50, 0.55), (0.07, 0.12)).mean() > 0.95


def test_flat_floor_has_no_shadow():
    rendering = box_on_floor(camera(), high_m=(0.6, 0.0, BIN_FLOOR_M - 1))
    assert (rendering.instance_ids == 0).all()
    for direction in ((1, 0, 0.6), (0, -1, 0.6), (0, 1, 0.6), (-1, 0, 0.6)):
        np.testing.assert_allclose(
            light_on(rendering, direction, 1.0), light_on(rendering, direction, 0.0), atol=1e-6
        )


def test_nothing_is_lit_fully_and_raises_no_warning():
    rendering = box_on_floor(camera())
    rendering.depth_m[:5] = np.inf
    light = light_on(rendering, (0.3, 0.2, 0.9), 0.7)
    assert (light[:5] == 1).all()
    assert np.isfinite(light).all()


def test_ambient_light_is_white_and_the_lamp_coloured():
    look = plain_look(ambient=0.25, light_colour=(1.0, 0.5, 0.0))
    np.testing.assert_allclose(
        lit(np.array([[0.0, 1.0]], np.float32), look), [[[0.25] * 3, [1.0, 0.625, 0.25]]]
    )
