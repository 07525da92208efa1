"""Rows of the toy world, for tests of what stands on rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.grasping.data.rows import Origin, TriedGrasp, rows_of
from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import BIN_FLOOR_M
from tests.support.grasping.toy_world import ToyController, ToyWorld, toy_scene

ORIGIN = Origin(
    world="bullet",
    recipe_digest="d" * 64,
    root_seed=7,
    split="train",
    object_family="procedural",
    versions={"numpy": "2"},
)


def toy_rows(
    scene_id: str = "train-7-0000000",
    num_attempts: int = 4,
    num_steps: int = 1,
    seed: int = 0,
    origin: Origin = ORIGIN,
) -> pa.Table:
    """Try grasps in one toy scene; even ones go to an object, odd ones miss by 5 cm."""
    scene = toy_scene(scene_id, np.random.default_rng([seed, hash_of(scene_id)]))
    opened = ToyWorld().open(scene)
    tried = []
    for index in range(num_attempts):
        x_m, y_m, _ = opened.objects[index % len(opened.objects)].position_m
        goal = GripperPose(x_m + 0.05 * (index % 2), y_m, BIN_FLOOR_M + 0.02, 0.1 * index)
        start = GripperPose(0.55, 0.05, BIN_FLOOR_M + 0.2, 0.0)
        controller = ToyController(start, goal, num_steps)
        policy = "uniform" if index % 2 else "near_object"
        tried.append(TriedGrasp(opened.attempt(controller), policy))
    return rows_of(origin, scene, opened.objects, opened.look(), tried)


def hash_of(text: str) -> int:
    """Number that a text stands for."""
    return int.from_bytes(text.encode()[-8:], "big")
