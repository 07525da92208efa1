from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.grasping.config import CameraConfig, WorldConfig
from tasks.grasping.data.projection import project
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import ObjectModel
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tasks.grasping.worlds.interface import OpenScene
from tasks.grasping.worlds.registry import open_world
from tests.support.grasping.object_files import link_of
from tests.support.grasping.surrogate_scenes import needs_renderer, scene, write_urdf

needs_renderer()

NAMES = get_args(get_type_hints(WorldConfig)["name"])
CLASSES = {
    "bullet": "BulletWorld",
    "bullet-restyled": "RestyledBulletWorld",
    "bullet-structured": "RestyledBulletWorld",
    "surrogate": "SurrogateWorld",
}


def test_every_name_of_the_settings_is_a_world() -> None:
    assert set(NAMES) == set(CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_a_world_opens_by_name(name: str) -> None:
    textures = Textures(np.zeros((4, 128, 128, 3), np.uint8))
    world = open_world(WorldConfig(name), textures)
    try:
        assert type(world).__name__ == CLASSES[name]
    finally:
        world.close()


def test_asking_for_no_world_loads_no_engine() -> None:
    code = (
        "import sys, tasks.grasping.worlds.registry; "
        "print([m for m in ('mujoco', 'pybullet', 'trimesh') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


BAR_M = (0.12, 0.02, 0.02)
OFF_M = 0.05
BAR = link_of(
    f'<box size="{BAR_M[0]} {BAR_M[1]} {BAR_M[2]}"/>',
    inertial=f'<inertial><origin xyz="{OFF_M} 0 0" rpy="0 0 1.5707963"/><mass value="0.3"/>'
    '<inertia ixx="1e-4" ixy="0" ixz="0" iyy="2e-5" iyz="0" izz="1e-4"/></inertial>',
)
X_M, Y_M = BIN_CENTRE_M


def bar_on(folder: Path, name: str, centre_m: tuple[float, float, float], *, is_propped: bool):
    """Open a scene of a bar whose centre of mass is off its middle, alone or on a small block."""
    (folder / "bar.urdf").write_text(BAR)
    bar = ObjectModel("folder/bar", "folder", "train", str(folder / "bar.urdf"))
    block = write_urdf(folder, "block", '<box size="0.03 0.03 0.03"/>', mass_kg=1.0)
    placed = [(bar, centre_m)]
    if is_propped:
        placed.append((block, (X_M, Y_M, BIN_FLOOR_M + 0.015)))
    world = open_world(
        WorldConfig(name, camera=CameraConfig(size_px=64)),
        Textures(np.zeros((4, 128, 128, 3), np.uint8)),
    )
    return world, world.open(scene(placed))


def seen_off_px(opened: OpenScene) -> float:
    """Distance between the middle of the bar's mask and of the corners that its pose tells."""
    (bar,), seen = opened.objects, opened.look()
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    turn = Rotation.from_quat(bar.quaternion_xyzw)
    corners_px, _ = project(turn.apply(signs * BAR_M / 2) + bar.position_m, seen.camera)
    rows, columns = np.nonzero(seen.instance_ids == 1)
    ends = [[columns.min(), rows.min()], [columns.max(), rows.max()]]
    return float(np.abs(np.mean(ends, 0) - (corners_px.min(0) + corners_px.max(0)) / 2).max())


@pytest.mark.parametrize("name", ["bullet", "surrogate"])
def test_the_pose_that_is_recorded_is_the_links(tmp_path: Path, name: str) -> None:
    world, opened = bar_on(tmp_path, name, (X_M, Y_M, BIN_FLOOR_M + 0.012), is_propped=False)
    (bar,) = opened.objects
    off_px = seen_off_px(opened)
    world.close()
    assert bar.centre_m == pytest.approx((X_M, Y_M, BIN_FLOOR_M + 0.01), abs=2e-3)
    assert bar.position_m == pytest.approx((X_M - OFF_M, Y_M, BIN_FLOOR_M + 0.01), abs=2e-3)
    assert Rotation.from_quat(bar.quaternion_xyzw).magnitude() < 0.03, "unturned, as let go"
    assert off_px < 1.0


@pytest.mark.parametrize("name", ["bullet", "surrogate"])
@pytest.mark.parametrize(("off_m", "is_level"), [(0.0, True), (OFF_M, False)])
def test_a_bar_balances_about_its_centre_of_mass_and_not_its_middle(
    tmp_path: Path, name: str, off_m: float, is_level: bool
) -> None:
    on_block_m = (X_M + off_m, Y_M, BIN_FLOOR_M + 0.042)
    world, opened = bar_on(tmp_path, name, on_block_m, is_propped=True)
    bar = opened.objects[0]
    world.close()
    height_m = bar.centre_m[2] - BIN_FLOOR_M
    assert (height_m == pytest.approx(0.04, abs=2e-3)) == is_level
