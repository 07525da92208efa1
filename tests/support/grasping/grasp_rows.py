"""Rows of grasp attempts with drawn pictures: no physics, but everything that a row holds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from tasks.grasping.data.rows import Origin, TriedGrasp, rows_of
from tasks.grasping.data.shards import write_rows
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

POLICIES = ("uniform", "near_object", "model")


def write_shards(
    folder: Path,
    num_shards: int = 2,
    scenes_per_shard: int = 3,
    attempts_per_scene: int = 4,
    num_steps: int = 2,
    size_px: int = 32,
    split: str = "train",
) -> list[Path]:
    """Write shards of drawn attempts; equal arguments give equal rows."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for shard in range(num_shards):
        first = shard * scenes_per_shard
        scenes = [
            scene_rows(index, attempts_per_scene, num_steps, size_px, split)
            for index in range(first, first + scenes_per_shard)
        ]
        paths.append(folder / f"shard-{shard:05d}.parquet")
        write_rows(paths[-1], scenes)
    return paths


def scene_rows(
    index: int, num_attempts: int = 4, num_steps: int = 2, size_px: int = 32, split: str = "train"
) -> pa.Table:
    """Rows of one scene: objects as discs, the arm as a bar, success as the dice fall."""
    rng = np.random.default_rng([7, index])
    camera = _camera(size_px)
    models = tuple(
        ObjectModel(f"procedural/{int(number):04d}", "procedural", split, "")  # type: ignore[arg-type]
        for number in rng.choice(20, 3, replace=False)
    )
    places = rng.uniform((0.48, -0.12), (0.72, 0.12), (3, 2))
    states = [
        ObjectState(centre_m, (0.0, 0.0, 0.0, 1.0), centre_m, True)
        for centre_m in ((float(x), float(y), -0.17) for x, y in places)
    ]
    scene = Scene(
        scene_id=f"{'scene' if split == 'train' else split}-{index:06d}",
        objects=tuple(
            PlacedObject(model, state.position_m, state.quaternion_xyzw)
            for model, state in zip(models, states, strict=True)
        ),
        dynamics=Dynamics((1.0,) * 3, (0.8,) * 3, 1.0, (0.0,) * 3, (0.04,) * 3),
        camera=camera,
        look=None,
        noise_seed=index,
    )
    colours = rng.integers(60, 255, (3, 3))
    before = _picture(camera, states, colours, rng, gripper=None)
    tried = [
        TriedGrasp(_attempt(camera, states, colours, rng, num_steps), POLICIES[k % len(POLICIES)])
        for k in range(num_attempts)
    ]
    origin = Origin("bullet", "ab" * 32, 0, split, "procedural", {"pybullet": "3.2.7"})
    return rows_of(origin, scene, states, before, tried)


def _camera(size_px: int) -> Camera:
    """A camera 1 m above the bin that looks down; image x is base -y, image y is base -x."""
    camera_from_base = np.array(
        [[0.0, -1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.6], [0.0, 0.0, -1.0, 0.8], [0, 0, 0, 1.0]]
    )
    focal_px, centre_px = 2.0 * size_px, (size_px - 1) / 2
    return Camera(size_px, size_px, focal_px, focal_px, centre_px, centre_px, camera_from_base)


def _attempt(
    camera: Camera,
    states: list[ObjectState],
    colours: np.ndarray,
    rng: np.random.Generator,
    num_steps: int,
) -> Attempt:
    steps = []
    pose = GripperPose(0.6, 0.0, 0.05, float(rng.uniform(-1.5, 1.5)))
    for _ in range(num_steps):
        x, y, z = rng.uniform((0.48, -0.12, -0.18), (0.72, 0.12, -0.15))
        target = GripperPose(float(x), float(y), float(z), float(rng.uniform(-1.5, 1.5)))
        reached = GripperPose(target.x_m + 1e-3, target.y_m, target.z_m, target.yaw_rad)
        steps.append(Step(_picture(camera, states, colours, rng, pose), pose, target, reached))
        pose = reached
    is_success = bool(rng.uniform() < 0.5)
    return Attempt(
        steps=tuple(steps),
        is_success=is_success,
        lifted_object=int(rng.integers(3)) if is_success else None,
        lift_height_m=0.19 if is_success else 0.002,
        finger_gap_m=0.02 if is_success else 0.0,
        is_stopped_early=False,
    )


def _picture(
    camera: Camera,
    states: list[ObjectState],
    colours: np.ndarray,
    rng: np.random.Generator,
    gripper: GripperPose | None,
) -> Rendering:
    size_px = camera.width_px
    rgb = rng.integers(90, 110, (size_px, size_px, 3), dtype=np.uint8)
    class_ids = np.zeros((size_px, size_px), np.uint8)
    edge_px = size_px // 10
    class_ids[edge_px:-edge_px, edge_px:-edge_px] = SemanticClass.TRAY
    rgb[class_ids == SemanticClass.TRAY] += 40
    instance_ids = np.zeros_like(class_ids)
    for index, state in enumerate(states):
        centre_px = _seen_at(camera, state.position_m)
        for image, value in (
            (rgb, colours[index].tolist()),
            (class_ids, int(SemanticClass.OBJECT)),
            (instance_ids, index + 1),
        ):
            cv2.circle(image, centre_px, size_px // 12, value, -1)
    part_ids = np.zeros_like(class_ids)
    if gripper is not None:
        column, row = _seen_at(camera, (gripper.x_m, gripper.y_m, gripper.z_m))
        for image, value in (
            (rgb, (230, 120, 20)),
            (class_ids, int(SemanticClass.GRIPPER)),
            (instance_ids, 0),
            (part_ids, 3),
        ):
            cv2.rectangle(image, (column - 1, 0), (column + 1, max(0, row)), value, -1)
    return Rendering(camera, rgb, class_ids, instance_ids, part_ids)


def _seen_at(camera: Camera, point_m: tuple[float, float, float]) -> tuple[int, int]:
    x, y, z, _ = camera.camera_from_base @ (*point_m, 1.0)
    return (
        round(camera.fx_px * x / z + camera.cx_px),
        round(camera.fy_px * y / z + camera.cy_px),
    )
