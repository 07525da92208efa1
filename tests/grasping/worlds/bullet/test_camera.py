"""Pictures agree with the camera's calibration, and layers with their depths."""

from __future__ import annotations

import numpy as np
import pybullet
import pytest

from tasks.grasping.types import Camera
from tasks.grasping.worlds.bullet.camera import Layer, project, render

_HALF_M = 0.03


def camera(rng: np.random.Generator) -> Camera:
    """A camera about 1 m from (0.6, 0, -0.1), with a principal point and two focal lengths."""
    eye, aim = np.array([1.2, -0.4, 0.6]) + rng.uniform(-0.1, 0.1, 3), np.array([0.6, 0.0, -0.1])
    z = (aim - eye) / np.linalg.norm(aim - eye)
    x = np.cross(z, [0, 0, 1]) / np.linalg.norm(np.cross(z, [0, 0, 1]))
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z])
    pose[:3, 3] = -pose[:3, :3] @ eye
    fx, fy = 400 * rng.uniform(0.9, 1.1, 2)
    cx, cy = 127.5 + rng.uniform(-15, 15), 95.5 + rng.uniform(-15, 15)
    return Camera(256, 192, fx, fy, cx, cy, pose)


def test_a_cube_is_seen_where_it_projects() -> None:
    client = pybullet.connect(pybullet.DIRECT)
    shape = pybullet.createVisualShape(
        pybullet.GEOM_BOX, halfExtents=[_HALF_M] * 3, physicsClientId=client
    )
    body = pybullet.createMultiBody(0, -1, shape, physicsClientId=client)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    rng = np.random.default_rng(1)
    errors = []
    try:
        for _ in range(25):
            view, place = camera(rng), np.array([0.6, 0, -0.1]) + rng.uniform(-0.08, 0.08, 3)
            pybullet.resetBasePositionAndOrientation(
                body, place.tolist(), [0, 0, 0, 1], physicsClientId=client
            )
            layer = render(client, view)
            rows, columns = np.nonzero(layer.bodies == body)
            seen = [columns.min() - 0.5, columns.max() + 0.5, rows.min() - 0.5, rows.max() + 0.5]
            corners = place + _HALF_M * signs
            pixels = project(view, corners)
            low, high = pixels.min(0), pixels.max(0)
            errors.append(np.array(seen) - [low[0], high[0], low[1], high[1]])
            depths = (corners @ view.camera_from_base[:3, :3].T + view.camera_from_base[:3, 3])[
                :, 2
            ]
            shown = layer.depth_m[layer.bodies == body]
            assert shown.min() == pytest.approx(depths.min(), abs=0.004)
            assert np.isinf(layer.depth_m[layer.bodies < 0]).all()
    finally:
        pybullet.disconnect(client)
    # An edge lies anywhere within a pixel: single errors reach half a pixel, their mean doesn't.
    middles = [(row[0] + row[1]) / 2 for row in errors], [(row[2] + row[3]) / 2 for row in errors]
    assert np.abs(np.mean(middles, axis=1)).max() < 0.25
    assert np.abs(middles).max() <= 0.75


def test_the_nearer_layer_covers_the_other() -> None:
    def layer(body: int, depths: list[float]) -> Layer:
        ids = np.where(np.isinf([depths]), -1, body).astype(np.int32)
        rgb = np.full((1, len(depths), 3), 10 * body, np.uint8)
        return Layer(rgb, np.array([depths], np.float32), ids, ids)

    both = layer(1, [1.0, 2.0, np.inf]).under(layer(2, [1.5, 1.5, np.inf]))
    assert both.bodies.tolist() == [[1, 2, -1]]
    assert both.rgb[0, :, 0].tolist()[:2] == [10, 20]
    assert both.depth_m[0, :2].tolist() == [1.0, 1.5]
