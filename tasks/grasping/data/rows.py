"""Scenes and attempts as rows, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.grasping.data.png import (
    decode_depth,
    decode_ids,
    decode_rgb,
    encode_depth,
    encode_ids,
    encode_rgb,
)
from tasks.grasping.data.schema import SCHEMA, SCHEMA_ID, read_shard
from tasks.grasping.looks.records import dynamics_json, look_json
from tasks.grasping.types import (
    Attempt,
    Camera,
    GripperPose,
    ObjectState,
    Rendering,
    Scene,
    Step,
    motion_command,
)

__all__ = [
    "SCHEMA",
    "SCHEMA_ID",
    "Origin",
    "TriedGrasp",
    "attempt_of",
    "before_of",
    "calibration_of",
    "camera_of",
    "read_shard",
    "rows_of",
    "scene_name",
]


@dataclass(frozen=True)
class Origin:
    """What all rows of a data set have in common.

    Attributes:
        world: Name of the world.
        recipe_digest: Digest of all settings that decide the rows.
        root_seed: Root of all random draws.
        split: Part of the objects that scenes may show.
        object_family: Where the objects come from.
        versions: Versions of what makes the rows, by name.
        has_g_buffers: Whether depth, parts and shading are stored.
    """

    world: str
    recipe_digest: str
    root_seed: int
    split: str
    object_family: str
    versions: Mapping[str, str]
    has_g_buffers: bool = False


@dataclass(frozen=True)
class TriedGrasp:
    """One attempt and who chose it.

    Attributes:
        attempt: What came of it.
        policy: ``uniform``, ``near_object`` or ``model``.
    """

    attempt: Attempt
    policy: str


def rows_of(
    origin: Origin,
    scene: Scene,
    objects: Sequence[ObjectState],
    before: Rendering,
    tried: Sequence[TriedGrasp],
) -> pa.Table:
    """Write the attempts of one scene as rows.

    Args:
        origin: What all rows have in common.
        scene: The scene as it was drawn.
        objects: Where its objects came to rest.
        before: Picture without the arm.
        tried: The attempts in order.

    Returns:
        A table of `SCHEMA` with one row per attempt.
    """
    shared = _scene_values(origin, scene, objects, before)
    rows = [
        shared | _attempt_values(origin, scene, index, each) for index, each in enumerate(tried)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def scene_name(scene_id: str, recipe_digest: str) -> str:
    """Name a scene as rows do: apart from those of other settings, so that they can be joined."""
    return f"{scene_id}-{recipe_digest[:8]}"


def camera_of(row: Mapping[str, Any]) -> Camera:
    """Return the camera of a row as it really was; size from the picture without the arm."""
    return _camera(row, row["camera_matrix"], row["camera_from_base"])


def calibration_of(row: Mapping[str, Any]) -> Camera:
    """Return the camera of a row as a robot knows it: what learning may use."""
    return _camera(row, row["calibrated_matrix"], row["calibrated_from_base"])


def before_of(row: Mapping[str, Any]) -> Rendering:
    """Return the picture without the arm of a row."""
    values = {name.removesuffix("_before"): row[name] for name in row if name.endswith("_before")}
    return _rendering(values, camera_of(row))


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    """Return the attempt that a row keeps."""
    camera = camera_of(row)
    lifted = row["lifted_object"]
    return Attempt(
        steps=tuple(
            Step(
                rendering=_rendering(step, camera),
                pose=GripperPose(*step["pose"]),
                target=GripperPose(*step["target"]),
                reached=GripperPose(*step["reached"]),
            )
            for step in row["steps"]
        ),
        is_success=row["is_success"],
        lifted_object=None if lifted is None else row["object_ids"].index(lifted),
        lift_height_m=row["lift_height_m"],
        finger_gap_m=row["finger_gap_m"],
        is_stopped_early=row["is_stopped_early"],
    )


def _camera(row: Mapping[str, Any], matrix: Sequence[float], pose: Sequence[float]) -> Camera:
    fx, _, cx, _, fy, cy, *_ = matrix
    height_px, width_px = decode_ids(row["class_mask_before"]).shape
    return Camera(
        width_px=width_px,
        height_px=height_px,
        fx_px=fx,
        fy_px=fy,
        cx_px=cx,
        cy_px=cy,
        camera_from_base=np.array(pose).reshape(4, 4),
        distortion=(row["distortion"][0], row["distortion"][1]),
    )


def _scene_values(
    origin: Origin, scene: Scene, objects: Sequence[ObjectState], before: Rendering
) -> dict[str, Any]:
    camera, calibration = before.camera, scene.calibration or before.camera
    pictures = _pictures(before, with_g_buffers=origin.has_g_buffers)
    return {
        "scene_id": scene_name(scene.scene_id, origin.recipe_digest),
        "world": origin.world,
        "recipe_digest": origin.recipe_digest,
        "root_seed": origin.root_seed,
        "split": origin.split,
        "object_family": origin.object_family,
        "object_ids": [placed.model.object_id for placed in scene.objects],
        "object_positions_m": [state.position_m for state in objects],
        "object_centres_m": [state.centre_m for state in objects],
        "object_quaternions_xyzw": [state.quaternion_xyzw for state in objects],
        "camera_matrix": _matrix(camera),
        "camera_from_base": camera.camera_from_base.ravel().tolist(),
        "calibrated_matrix": _matrix(calibration),
        "calibrated_from_base": calibration.camera_from_base.ravel().tolist(),
        "distortion": list(camera.distortion),
        **{f"{name}_before": data for name, data in pictures.items()},
        "dynamics": dynamics_json(scene.dynamics),
        "look": look_json(scene.look),
        "versions": json.dumps(dict(origin.versions), sort_keys=True),
    }


def _matrix(camera: Camera) -> list[float]:
    return [
        *(camera.fx_px, 0.0, camera.cx_px),
        *(0.0, camera.fy_px, camera.cy_px),
        *(0.0, 0.0, 1.0),
    ]


def _attempt_values(origin: Origin, scene: Scene, index: int, tried: TriedGrasp) -> dict[str, Any]:
    attempt = tried.attempt
    lifted = attempt.lifted_object
    return {
        "attempt_id": f"{origin.world}/{scene_name(scene.scene_id, origin.recipe_digest)}/{index}",
        "attempt_index": index,
        "steps": [_step_values(origin, each, attempt.steps[-1]) for each in attempt.steps],
        "policy": tried.policy,
        "is_uniform": tried.policy == "uniform",
        "is_success": attempt.is_success,
        "lifted_object": None if lifted is None else scene.objects[lifted].model.object_id,
        "lift_height_m": attempt.lift_height_m,
        "finger_gap_m": attempt.finger_gap_m,
        "is_stopped_early": attempt.is_stopped_early,
    }


def _step_values(origin: Origin, step: Step, last: Step) -> dict[str, Any]:
    return {
        **_pictures(step.rendering, with_g_buffers=origin.has_g_buffers),
        "pose": _pose(step.pose),
        "target": _pose(step.target),
        "reached": _pose(step.reached),
        "command": motion_command(step.pose, last.target).tolist(),
        "motion": motion_command(step.pose, last.reached).tolist(),
    }


def _pictures(rendering: Rendering, *, with_g_buffers: bool) -> dict[str, bytes | None]:
    depth_m, shading = rendering.depth_m, rendering.shading
    return {
        "image": encode_rgb(rendering.rgb),
        "class_mask": encode_ids(rendering.class_ids),
        "instance_mask": encode_ids(rendering.instance_ids),
        "depth": encode_depth(depth_m) if with_g_buffers and depth_m is not None else None,
        "parts": encode_ids(rendering.part_ids) if with_g_buffers else None,
        "shading": encode_ids(shading) if with_g_buffers and shading is not None else None,
    }


def _pose(pose: GripperPose) -> list[float]:
    return [pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad]


def _rendering(values: Mapping[str, Any], camera: Camera) -> Rendering:
    class_ids = decode_ids(values["class_mask"])
    parts, depth, shading = (values.get(name) for name in ("parts", "depth", "shading"))
    return Rendering(
        camera=camera,
        rgb=decode_rgb(values["image"]),
        class_ids=class_ids,
        instance_ids=decode_ids(values["instance_mask"]),
        part_ids=np.zeros_like(class_ids) if parts is None else decode_ids(parts),
        depth_m=None if depth is None else decode_depth(depth),
        shading=None if shading is None else decode_ids(shading),
    )
