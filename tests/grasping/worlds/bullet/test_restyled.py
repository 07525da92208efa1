from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.config import CameraConfig, SceneConfig, WorldConfig
from tasks.grasping.data.projection import project
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.types import Attempt, GripperPose, Rendering, Scene, SemanticClass
from tasks.grasping.workspace import BIN_FLOOR_M
from tasks.grasping.worlds.bullet.restyled import RestyledBulletWorld
from tasks.grasping.worlds.bullet.world import BulletWorld

TEXTURES = generated_textures(np.random.default_rng(0), 12)
CAMERA = CameraConfig(size_px=64, g_buffers=True)
PLAIN = WorldConfig(name="bullet", camera=CAMERA)
RESTYLED = WorldConfig(name="bullet-restyled", camera=CAMERA)
STRUCTURED = WorldConfig(name="bullet-structured", camera=CAMERA)


@dataclass(frozen=True)
class Straight:
    """Goes down where it is told to."""

    start: GripperPose
    goal: GripperPose
    num_steps: int = 1

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        return self.goal


def controllers(scene_objects) -> list[Straight]:
    found = []
    for state in scene_objects:
        x, y, _ = state.position_m
        start = GripperPose(x, y, BIN_FLOOR_M + 0.22, 0.3)
        found.append(Straight(start, replace(start, z_m=BIN_FLOOR_M + 0.02)))
    return found


def drawn(config: WorldConfig, seed: int) -> Scene:
    rng = np.random.default_rng([seed, 3])
    return draw_scene(
        f"s{seed}", SceneConfig(world=config), catalogue("procedural"), TEXTURES.num, rng
    )


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[BulletWorld, RestyledBulletWorld]]:
    plain, restyled = BulletWorld(PLAIN, TEXTURES), RestyledBulletWorld(RESTYLED, TEXTURES)
    yield plain, restyled
    plain.close()
    restyled.close()


def outcome(attempt: Attempt) -> tuple:
    poses = [(step.pose, step.target, step.reached) for step in attempt.steps]
    return (poses, replace(attempt, steps=()))


@pytest.mark.parametrize("seed", [0, 1])
def test_physics_is_that_of_bullet_bit_for_bit(worlds, seed: int):
    plain, restyled = worlds[0].open(drawn(PLAIN, seed)), worlds[1].open(drawn(RESTYLED, seed))

    assert plain.objects == restyled.objects
    for controller in controllers(plain.objects)[:3]:
        assert outcome(plain.attempt(controller)) == outcome(restyled.attempt(controller))


def test_picture_is_the_surrogates_and_masks_fit_its_camera(worlds):
    scene = drawn(RESTYLED, 0)
    opened = worlds[1].open(scene)
    seen, again = opened.look(), opened.look()
    plain = worlds[0].open(drawn(PLAIN, 0)).look()

    np.testing.assert_array_equal(seen.rgb, again.rgb)
    assert np.abs(seen.rgb.astype(int) - plain.rgb).mean() > 10
    assert seen.camera == scene.camera
    assert any(seen.camera.distortion)
    places, _ = project(np.array([state.position_m for state in opened.objects]), seen.camera)
    found = 0
    for index, (column, row) in enumerate(np.round(places).astype(int)):
        window = seen.instance_ids[max(row - 5, 0) : row + 6, max(column - 5, 0) : column + 6]
        found += (window == index + 1).any()
    assert found >= len(opened.objects) - 1  # one may be hidden by another
    kinds = {SemanticClass(kind) for kind in np.unique(seen.class_ids)}
    assert {SemanticClass.TRAY, SemanticClass.OBJECT, SemanticClass.BACKGROUND} == kinds


def test_a_structured_scene_is_the_restyled_one_but_for_its_look(worlds):
    """One world opens both: the look that was drawn decides."""
    seen, tried = [], []
    for config in (RESTYLED, STRUCTURED):
        scene = worlds[1].open(drawn(config, 1))
        seen.append(scene.look())
        tried.append(outcome(scene.attempt(controllers(scene.objects)[0])))
    restyled, structured = seen

    assert tried[0] == tried[1]
    for name in ("class_ids", "instance_ids", "part_ids", "depth_m"):
        np.testing.assert_array_equal(getattr(structured, name), getattr(restyled, name))
    assert np.abs(structured.rgb.astype(int) - restyled.rgb).mean() > 15


def test_noise_is_each_pictures_own_and_repeatable(worlds):
    scene = drawn(RESTYLED, 1)
    scene = replace(scene, look=replace(scene.look, noise_sigma=4.0))
    opened = worlds[1].open(scene)
    first, second = controllers(opened.objects)[:2]
    before = opened.attempt(first).steps[0].rendering.rgb
    opened.attempt(second)
    opened = worlds[1].open(scene)

    np.testing.assert_array_equal(opened.attempt(first).steps[0].rendering.rgb, before)


def test_scene_without_a_look_is_refused(worlds):
    with pytest.raises(DataError, match="s0: expected a look"):
        worlds[1].open(drawn(PLAIN, 0))


def test_look_that_names_a_texture_too_many_is_refused(worlds):
    scene = drawn(RESTYLED, 0)
    look = replace(scene.look, tray=replace(scene.look.tray, texture=12))
    with pytest.raises(DataError, match=r"names texture 12 .* there are 12 textures"):
        worlds[1].open(replace(scene, look=look))
    with pytest.raises(DataError, match="4 objects; there are 12 textures and 5 objects"):
        worlds[1].open(replace(scene, look=replace(scene.look, objects=scene.look.objects[1:])))
