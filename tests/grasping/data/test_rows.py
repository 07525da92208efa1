from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.data.rows import (
    TriedGrasp,
    attempt_of,
    before_of,
    calibration_of,
    camera_of,
    rows_of,
)
from tasks.grasping.types import GripperPose, Rendering
from tests.support.grasping.grasp_rows import scene_rows
from tests.support.grasping.toy_rows import ORIGIN, toy_rows
from tests.support.grasping.toy_world import ToyController, ToyWorld, toy_scene


def equal(one: Rendering, other: Rendering) -> bool:
    return (
        np.array_equal(one.rgb, other.rgb)
        and np.array_equal(one.class_ids, other.class_ids)
        and np.array_equal(one.instance_ids, other.instance_ids)
    )


def test_a_scene_comes_back_from_its_rows() -> None:
    scene = toy_scene("train-7-0000000", np.random.default_rng(3))
    opened = ToyWorld().open(scene)
    goal = GripperPose(*opened.objects[1].position_m[:2], -0.17, 0.3)
    controller = ToyController(GripperPose(0.5, 0.1, 0.0, -0.2), goal, num_steps=3)
    attempt, before = opened.attempt(controller), opened.look()
    assert attempt.lifted_object == 1
    tried = [TriedGrasp(attempt, "near_object")]
    (row,) = rows_of(ORIGIN, scene, opened.objects, before, tried).to_pylist()

    back = attempt_of(row)
    assert [replace(step, rendering=before) for step in back.steps] == [
        replace(step, rendering=before) for step in attempt.steps
    ]
    assert all(
        equal(a.rendering, b.rendering) for a, b in zip(back.steps, attempt.steps, strict=True)
    )
    assert replace(back, steps=()) == replace(attempt, steps=())
    assert equal(before_of(row), before)
    camera = camera_of(row)
    assert np.array_equal(camera.camera_from_base, scene.camera.camera_from_base)
    assert replace(camera, camera_from_base=0) == replace(scene.camera, camera_from_base=0)
    name = f"train-7-0000000-{ORIGIN.recipe_digest[:8]}"
    assert (row["scene_id"], row["attempt_id"]) == (name, f"bullet/{name}/0")
    assert row["lifted_object"] == scene.objects[1].model.object_id
    assert row["object_positions_m"] == [list(each.position_m) for each in opened.objects]
    assert row["object_centres_m"] == [list(each.centre_m) for each in opened.objects]


def test_scenes_of_one_seed_and_other_settings_have_ids_of_their_own() -> None:
    ids = set()
    for recipe in ("a" * 64, "b" * 64):
        scene = toy_scene("train-7-0000000", np.random.default_rng(3))
        opened = ToyWorld().open(scene)
        tried = [TriedGrasp(opened.attempt(ToyController(*[GripperPose(0.6, 0, 0, 0)] * 2)), "x")]
        origin = replace(ORIGIN, recipe_digest=recipe)
        table = rows_of(origin, scene, opened.objects, opened.look(), tried)
        ids |= {*table["attempt_id"].to_pylist(), *table["scene_id"].to_pylist()}
    assert len(ids) == 4


def test_what_the_calibration_says_stands_beside_the_truth() -> None:
    scene = toy_scene("train-7-0000000", np.random.default_rng(3))
    off = scene.camera.camera_from_base.copy()
    off[0, 3] += 0.005
    believed = replace(scene.camera, camera_from_base=off, fx_px=80.0)
    opened = ToyWorld().open(scene)
    tried = [TriedGrasp(opened.attempt(ToyController(*[GripperPose(0.6, 0, 0, 0)] * 2)), "model")]
    for calibration, expected in ((believed, believed), (None, scene.camera)):
        given = replace(scene, calibration=calibration)
        (row,) = rows_of(ORIGIN, given, opened.objects, opened.look(), tried).to_pylist()
        found = calibration_of(row)
        assert np.array_equal(found.camera_from_base, expected.camera_from_base)
        assert found.fx_px == expected.fx_px
        assert np.array_equal(camera_of(row).camera_from_base, scene.camera.camera_from_base)


@pytest.mark.parametrize("num_steps", [1, 3])
def test_command_and_motion_lead_from_each_step_to_a_closing_pose(num_steps: int) -> None:
    """The one to where the fingers were told to close, the other to where they did."""
    for row in scene_rows(0, num_steps=num_steps).to_pylist():
        for name, end in (("command", "target"), ("motion", "reached")):
            closing = np.array(row["steps"][-1][end])
            for step in row["steps"]:
                pose = np.array(step["pose"])
                assert np.allclose(step[name][:3], closing[:3] - pose[:3])
                turn_rad = closing[3] - pose[3]
                assert np.allclose(step[name][3:], [np.sin(2 * turn_rad), np.cos(2 * turn_rad)])
        assert row["steps"][0]["motion"][0] - row["steps"][0]["command"][0] == pytest.approx(1e-3)


@pytest.mark.parametrize("num_steps", [1, 2])
def test_a_gripper_that_is_stopped_has_its_whole_command(num_steps: int) -> None:
    """What stopped it would give the outcome away."""
    scene = toy_scene("train-7-0000000", np.random.default_rng(3))
    opened = ToyWorld().open(scene)
    goal = GripperPose(*opened.objects[1].position_m[:2], -0.17, 0.3)
    attempt = opened.attempt(ToyController(GripperPose(0.5, 0.1, 0.0, -0.2), goal, num_steps))
    rows = []
    for stopped_m in (0.0, 0.04):
        reached = replace(attempt.steps[-1].reached, z_m=goal.z_m + stopped_m)
        steps = (*attempt.steps[:-1], replace(attempt.steps[-1], reached=reached))
        tried = [TriedGrasp(replace(attempt, steps=steps), "near_object")]
        rows += rows_of(ORIGIN, scene, opened.objects, opened.look(), tried).to_pylist()
    for free, stopped in zip(rows[0]["steps"], rows[1]["steps"], strict=True):
        assert stopped["command"] == free["command"] == pytest.approx(free["motion"])
        assert stopped["motion"][2] - free["motion"][2] == pytest.approx(0.04)


def test_g_buffers_are_kept_only_where_asked_for() -> None:
    plain = toy_rows().to_pylist()[0]
    assert plain["depth_before"] is None
    assert plain["steps"][0]["shading"] is None
    full = toy_rows(origin=replace(ORIGIN, has_g_buffers=True)).to_pylist()[0]
    back = before_of(full)
    assert back.depth_m is not None
    assert back.shading is not None
    step = attempt_of(full).steps[0].rendering
    assert step.part_ids.max() == 1
    assert set(np.unique(step.depth_m)) == {np.float32(1.0), np.inf}
