from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.config import CameraConfig, WorldConfig
from tasks.grasping.data.projection import project
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import Camera, Rendering, SemanticClass
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tests.support.grasping.flat_scenes import camera, plain_look
from tests.support.grasping.surrogate_scenes import needs_renderer, scene, write_urdf

needs_renderer()

from tasks.grasping.worlds.surrogate.world import SurrogateScene, SurrogateWorld  # noqa: E402

X_M, Y_M = BIN_CENTRE_M
PLACES_M = ((X_M, Y_M), (X_M + 0.12, Y_M + 0.1), (X_M - 0.13, Y_M + 0.08), (X_M + 0.02, -0.14))
TEXTURES = Textures(np.full((2, 128, 128, 3), 255, dtype=np.uint8))
SIZE_PX = 256


def small_cubes(folder: Path, seen_by: Camera) -> SurrogateScene:
    """Four cubes of 16 mm on the floor."""
    cube = write_urdf(folder, "small", '<box size="0.016 0.016 0.016"/>')
    placed = [(cube, (x_m, y_m, BIN_FLOOR_M + 0.009)) for x_m, y_m in PLACES_M]
    config = WorldConfig("surrogate", camera=CameraConfig(size_px=SIZE_PX, g_buffers=True))
    return SurrogateWorld(config, TEXTURES).open(scene(placed, seen_by))


def middle_px(mask: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize(
    "seen_by",
    [
        camera(SIZE_PX),
        replace(camera(SIZE_PX, (0.15, 0.5, 0.7)), cx_px=100.3, cy_px=141.8),
        replace(camera(SIZE_PX), width_px=320, cx_px=150.0),
        camera(SIZE_PX, distortion=(-0.12, 0.02)),
    ],
    ids=["ideal", "off-centre", "wide", "distorted"],
)
def test_objects_appear_where_the_camera_projects_them(tmp_path: Path, seen_by: Camera) -> None:
    at_rest = small_cubes(tmp_path, seen_by)
    seen = at_rest.look()
    assert seen.rgb.shape == (seen_by.height_px, seen_by.width_px, 3)
    for index, lying in enumerate(at_rest.objects):
        expected, depth = project(np.array([lying.position_m]), seen_by)
        mask = seen.instance_ids == 1 + index
        assert np.linalg.norm(middle_px(mask) - expected[0]) < 1.0
        assert seen.depth_m is not None
        assert seen.depth_m[mask].mean() == pytest.approx(depth[0] - 0.008, abs=0.006)


def test_depth_of_the_floor_is_exact(tmp_path: Path) -> None:
    seen_by = camera(SIZE_PX)
    seen = small_cubes(tmp_path, seen_by).look()
    corner_m = np.array([[X_M + 0.05, Y_M - 0.05, BIN_FLOOR_M]])
    (column, row), depth = project(corner_m, seen_by)[0][0], project(corner_m, seen_by)[1]
    assert seen.depth_m is not None
    assert seen.depth_m[round(row), round(column)] == pytest.approx(depth[0], abs=2e-3)
    assert seen.class_ids[round(row), round(column)] == SemanticClass.TRAY


def looked(folder: Path, **changes: object) -> Rendering:
    cube = write_urdf(folder, "tower", '<box size="0.05 0.05 0.12"/>')
    placed = [(cube, (X_M, Y_M, BIN_FLOOR_M + 0.061))]
    config = WorldConfig("surrogate", camera=CameraConfig(g_buffers=True))
    look = plain_look(**changes)
    return SurrogateWorld(config, TEXTURES).open(scene(placed, look=look)).look()


def test_a_lamp_from_the_side_casts_a_shadow_as_dark_as_the_look_says(tmp_path: Path) -> None:
    lamp = {"ambient": 0.3, "light_direction": (0.8, 0.0, 0.6)}
    # Between the tower and the bin's near wall, away from the lamp.
    shadow_m = np.array([[X_M - 0.08, Y_M, BIN_FLOOR_M]])
    column, row = np.rint(project(shadow_m, camera())[0][0]).astype(int)
    values = []
    for strength in (0.0, 0.5, 1.0):
        shading = looked(tmp_path, shadow_strength=strength, **lamp).shading
        assert shading is not None
        values.append(int(shading[row, column]))
    assert values[0] - values[1] > 25
    assert values[1] - values[2] > 25
    assert values[2] == pytest.approx(255 * 0.3, abs=12)


def test_surfaces_have_the_colour_of_their_look(tmp_path: Path) -> None:
    red = replace(plain_look().tray, tint=(0.9, 0.1, 0.1))
    seen = looked(tmp_path, tray=red)
    inside = (seen.class_ids == SemanticClass.TRAY) & (seen.depth_m < np.inf)
    assert np.median(seen.rgb[inside], axis=0) == pytest.approx([230, 26, 26], abs=12)
    textured = replace(red, texture=1, tint=(0.2, 0.9, 0.2))
    median = np.median(looked(tmp_path, tray=textured).rgb[inside], axis=0)
    assert median == pytest.approx([51, 230, 51], abs=12)


def test_pixels_that_are_not_square_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="square pixels"):
        small_cubes(tmp_path, replace(camera(SIZE_PX), fx_px=300.0))
