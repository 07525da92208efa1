"""A world without an engine: discs on a floor, and a gripper that lifts what it closes on.

It keeps the promises of `tasks.grasping.worlds.interface`, in a millisecond instead of a
second: a fast stand-in for tests of everything around a world.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.data.projection import project
from tasks.grasping.types import (
    Attempt,
    Camera,
    Dynamics,
    GripperPose,
    ObjectModel,
    ObjectState,
    PlacedObject,
    Rendering,
    Scene,
    SemanticClass,
    Step,
)
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M
from tasks.grasping.worlds.interface import Controller

RADIUS_M = 0.025
TOUCH_M = 0.03  # how near the fingers must close to an object's centre
BROKEN = "procedural/broken"


def toy_models(count: int = 20) -> tuple[ObjectModel, ...]:
    """Objects that need no file."""
    return tuple(
        ObjectModel(f"procedural/{index:04d}", "procedural", "train", "") for index in range(count)
    )


def toy_camera(size_px: int = 48) -> Camera:
    """Look at the bin from beyond it, 1 m up."""
    eye_m, target_m = np.array([1.2, 0.0, 0.8]), np.array([*BIN_CENTRE_M, BIN_FLOOR_M])
    forward = (target_m - eye_m) / np.linalg.norm(target_m - eye_m)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    camera_from_base = np.eye(4)
    camera_from_base[:3, :3], camera_from_base[:3, 3] = rotation, -rotation @ eye_m
    focal_px, centre_px = 1.6 * size_px, (size_px - 1) / 2
    return Camera(
        size_px, size_px, focal_px, focal_px, centre_px, centre_px, camera_from_base, (-0.05, 0.01)
    )


def toy_scene(
    scene_id: str, rng: np.random.Generator, models: Sequence[ObjectModel] = toy_models()
) -> Scene:
    """Drop three objects anywhere in the bin."""
    chosen = rng.choice(len(models), 3, replace=False)
    reach_m = np.array(BIN_INNER_M) / 2 - RADIUS_M
    placed = tuple(
        PlacedObject(
            model=models[index],
            position_m=(*(np.array(BIN_CENTRE_M) + rng.uniform(-reach_m, reach_m)).tolist(), 0.1),
            quaternion_xyzw=(0.0, 0.0, 0.0, 1.0),
        )
        for index in chosen
    )
    ones = (1.0,) * len(placed)
    return Scene(
        scene_id=scene_id,
        objects=placed,
        dynamics=Dynamics(ones, ones, 1.0, ones, ones),
        camera=toy_camera(),
        look=None,
        noise_seed=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class ToyController:
    """Goes straight to a goal, in equal steps."""

    start: GripperPose
    goal: GripperPose
    num_steps: int = 1

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        """Return the next part of the way."""
        share = 1 / (self.num_steps - step)
        here, there = _values(pose), _values(self.goal)
        return GripperPose(*(here + share * (there - here)).tolist())


class ToyWorld:
    """Discs on a floor; see `tasks.grasping.worlds.interface.World`."""

    def __init__(self, seconds_per_scene: float = 0.0) -> None:
        """Open it.

        Args:
            seconds_per_scene: CPU time that a scene takes, to stand for an engine's.
        """
        self.seconds_per_scene = seconds_per_scene
        self.num_opened = 0
        self.is_closed = False

    def open(self, scene: Scene) -> ToyScene:
        """Let the objects fall."""
        if any(placed.model.object_id == BROKEN for placed in scene.objects):
            raise DataError(f"{scene.scene_id}: {BROKEN}: expected a mesh, found none")
        self.num_opened += 1
        end_s = time.thread_time() + self.seconds_per_scene
        while time.thread_time() < end_s:
            hashlib.sha256(b"work" * 1000).digest()
        return ToyScene(scene)

    def close(self) -> None:
        """Give nothing back."""
        self.is_closed = True


class ToyScene:
    """Objects at rest where they were let fall."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.objects = tuple(
            ObjectState(
                position_m=(*placed.position_m[:2], BIN_FLOOR_M + RADIUS_M),
                quaternion_xyzw=placed.quaternion_xyzw,
                centre_m=(*placed.position_m[:2], BIN_FLOOR_M + RADIUS_M),
                is_in_bin=True,
            )
            for placed in scene.objects
        )

    def look(self) -> Rendering:
        """Draw the objects as discs on the bin's floor."""
        return self._draw(None)

    def attempt(self, controller: Controller) -> Attempt:
        """Go where the controller says and close."""
        pose, steps = controller.start, []
        for step in range(controller.num_steps):
            seen = self._draw(pose)
            target = controller.next_pose(step, pose, seen)
            steps.append(Step(seen, pose, target, target))
            pose = target
        apart_m = [math.dist((pose.x_m, pose.y_m), each.position_m[:2]) for each in self.objects]
        nearest = int(np.argmin(apart_m))
        is_success = apart_m[nearest] < TOUCH_M
        return Attempt(
            steps=tuple(steps),
            is_success=is_success,
            lifted_object=nearest if is_success else None,
            lift_height_m=0.2 if is_success else 0.0,
            finger_gap_m=2 * RADIUS_M if is_success else 0.0,
            is_stopped_early=False,
        )

    def _draw(self, arm: GripperPose | None) -> Rendering:
        camera = self._scene.camera
        shape = (camera.height_px, camera.width_px)
        classes, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        parts = np.zeros(shape, np.uint8)
        rgb = np.full((*shape, 3), (90, 120, 150), np.uint8)
        half_x_m, half_y_m = (length_m / 2 for length_m in BIN_INNER_M)
        corners_m = [
            (BIN_CENTRE_M[0] + x_m, BIN_CENTRE_M[1] + y_m, BIN_FLOOR_M)
            for x_m, y_m in ((-half_x_m, -half_y_m), (half_x_m, -half_y_m),
                             (half_x_m, half_y_m), (-half_x_m, half_y_m))
        ]  # fmt: skip
        floor_px = np.round(project(np.array(corners_m), camera)[0]).astype(np.int32)
        cv2.fillPoly(classes, [floor_px], int(SemanticClass.TRAY))
        cv2.fillPoly(rgb, [floor_px], (200, 190, 180))
        for index, state in enumerate(self.objects):
            colour = ((40 + 60 * index) % 256, (220 - 50 * index) % 256, 80)
            mask = self._disc(np.array(state.position_m), RADIUS_M, camera)
            classes[mask], instances[mask], rgb[mask] = SemanticClass.OBJECT, index + 1, colour
        if arm is not None:
            mask = self._disc(np.array([arm.x_m, arm.y_m, arm.z_m]), 0.03, camera)
            classes[mask], instances[mask], rgb[mask] = SemanticClass.GRIPPER, 0, (230, 110, 20)
            parts[mask] = 1
        depth_m = np.where(classes > 0, np.float32(1.0), np.float32(np.inf)).astype(np.float32)
        return Rendering(camera, rgb, classes, instances, parts, depth_m, rgb[..., 0].copy())

    @staticmethod
    def _disc(centre_m: np.ndarray, radius_m: float, camera: Camera) -> np.ndarray:
        (place_px,), (far_m,) = project(centre_m, camera)
        radius_px = max(1, round(radius_m * camera.fx_px / far_m))
        mask = np.zeros((camera.height_px, camera.width_px), np.uint8)
        x_px, y_px = (round(float(each)) for each in place_px)
        cv2.circle(mask, (x_px, y_px), radius_px, 1, -1)
        return mask.astype(bool)


def _values(pose: GripperPose) -> np.ndarray:
    return np.array([pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad])
