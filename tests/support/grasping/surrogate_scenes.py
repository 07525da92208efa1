"""Small scenes for the surrogate world, and grasps at given places."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.core.errors import ResourceError
from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.types import (
    Camera,
    GripperPose,
    Look,
    ObjectModel,
    PlacedObject,
    Rendering,
    Scene,
)
from tests.support.grasping.flat_scenes import camera as ordinary_camera
from tests.support.grasping.object_files import link_of

UPRIGHT = (0.0, 0.0, 0.0, 1.0)
START = GripperPose(0.55, 0.05, 0.05, 0.3)


def needs_renderer() -> None:
    """Skip the test where no software renderer starts, with the renderer's own reason."""
    engine = importlib.import_module("tasks.grasping.worlds.surrogate.engine")
    try:
        engine.rendering_context()
    except ResourceError as error:
        pytest.skip(str(error), allow_module_level=True)


def write_urdf(folder: Path, name: str, geometry: str, mass_kg: float = 0.05) -> ObjectModel:
    """Write a URDF file with one collision geometry, as URDF spells it."""
    inertial = (
        f'<inertial><mass value="{mass_kg}"/>'
        '<inertia ixx="2e-5" ixy="0" ixz="0" iyy="2e-5" iyz="0" izz="2e-5"/></inertial>'
    )
    path = folder / f"{name}.urdf"
    path.write_text(link_of(geometry, inertial=inertial))
    return ObjectModel(f"folder/{name}", "folder", "train", str(path))


def scene(
    placed: list[tuple[ObjectModel, tuple[float, float, float]]],
    camera: Camera | None = None,
    look: Look | None = None,
    scene_id: str = "s",
) -> Scene:
    """A scene of objects that are let go upright at the given places."""
    return Scene(
        scene_id=scene_id,
        objects=tuple(PlacedObject(model, at_m, UPRIGHT) for model, at_m in placed),
        dynamics=nominal_dynamics(len(placed)),
        camera=camera or ordinary_camera(),
        look=look,
        noise_seed=7,
    )


@dataclass(frozen=True)
class Grasp:
    """A controller that goes to one place, in one motion or several equal ones."""

    goal: GripperPose
    start: GripperPose = START
    num_steps: int = 1

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        """Go the same part of the way at each step."""
        part = (step + 1) / self.num_steps
        begin, end = self.start, self.goal
        return GripperPose(
            begin.x_m + part * (end.x_m - begin.x_m),
            begin.y_m + part * (end.y_m - begin.y_m),
            begin.z_m + part * (end.z_m - begin.z_m),
            end.yaw_rad,
        )
