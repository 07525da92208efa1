from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.config import CameraConfig, PhysicsConfig, SceneConfig, WorldConfig
from tasks.grasping.looks.textures import Textures, generated_textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.types import Attempt, GripperPose, Rendering, Scene, SemanticClass
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, SUCCESS_HEIGHT_M
from tests.support.grasping.surrogate_scenes import Grasp, needs_renderer, scene, write_urdf

needs_renderer()

from tasks.grasping.worlds.surrogate.world import SurrogateWorld  # noqa: E402

X_M, Y_M = BIN_CENTRE_M
CUBE = '<box size="0.04 0.04 0.04"/>'
ON_CUBE = GripperPose(X_M, Y_M, BIN_FLOOR_M + 0.012, 0.0)
BESIDE = GripperPose(X_M + 0.12, Y_M - 0.12, BIN_FLOOR_M + 0.012, 0.0)


@pytest.fixture(scope="module")
def textures() -> Textures:
    return generated_textures(np.random.default_rng(0), 8)


@pytest.fixture
def cube(tmp_path: Path) -> Scene:
    return scene([(write_urdf(tmp_path, "cube", CUBE), (X_M, Y_M, BIN_FLOOR_M + 0.03))])


def world(textures: Textures, **physics: object) -> SurrogateWorld:
    return SurrogateWorld(WorldConfig("surrogate", PhysicsConfig(**physics)), textures)


def drawn(number: int, textures: Textures, g_buffers: bool = False) -> Scene:
    config = WorldConfig("surrogate", camera=CameraConfig(g_buffers=g_buffers))
    rng = np.random.default_rng([11, number])
    recipe = SceneConfig(world=config)
    return draw_scene(f"drawn/{number}", recipe, catalogue("procedural"), len(textures.images), rng)


def pictures(rendering: Rendering) -> bytes:
    images = (rendering.rgb, rendering.class_ids, rendering.instance_ids, rendering.part_ids)
    return b"".join(image.tobytes() for image in images)


def digest(attempt: Attempt) -> str:
    """Of all that an attempt says, pictures and floats to the last bit."""
    text = repr(replace(attempt, steps=()))
    for step in attempt.steps:
        text += repr((step.pose, step.target, step.reached))
        text += hashlib.sha256(pictures(step.rendering)).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


def collect(opened: Scene, used: SurrogateWorld) -> list[str]:
    """Digests of a scene's pictures, resting places and two attempts."""
    at_rest = used.open(opened)
    lying = repr([astuple(each) for each in at_rest.objects])
    x_m, y_m, z_m = at_rest.objects[0].position_m
    near = GripperPose(x_m, y_m, max(z_m - 0.01, BIN_FLOOR_M + 0.01), 0.4)
    attempts = [digest(at_rest.attempt(Grasp(goal))) for goal in (near, BESIDE)]
    return [lying, hashlib.sha256(pictures(at_rest.look())).hexdigest(), *attempts]


def test_a_grasp_about_a_cube_lifts_it_and_one_beside_it_does_not(
    cube: Scene, textures: Textures
) -> None:
    at_rest = world(textures).open(cube)
    (lying,) = at_rest.objects
    assert lying.is_in_bin
    assert lying.position_m == pytest.approx((X_M, Y_M, BIN_FLOOR_M + 0.02), abs=2e-3)
    held, missed = at_rest.attempt(Grasp(ON_CUBE)), at_rest.attempt(Grasp(BESIDE))
    assert (held.is_success, held.lifted_object) == (True, 0)
    assert held.lift_height_m > SUCCESS_HEIGHT_M
    assert held.finger_gap_m == pytest.approx(0.04, abs=5e-3)  # the pads are soft
    assert (missed.is_success, missed.lifted_object) == (False, None)
    assert missed.lift_height_m < 0.005
    assert missed.finger_gap_m < 0.001


def test_the_gripper_goes_where_it_is_told(cube: Scene, textures: Textures) -> None:
    step = world(textures).open(cube).attempt(Grasp(BESIDE)).steps[0]
    reached, target = np.array(astuple(step.reached)), np.array(astuple(step.target))
    assert np.abs(reached - target).max() < 2e-3
    assert astuple(step.pose) == pytest.approx(astuple(Grasp(BESIDE).start), abs=1e-6)


def test_fingers_that_open_less_than_an_object_is_wide_land_on_it(
    cube: Scene, textures: Textures
) -> None:
    attempt = world(textures, opening_m=0.025).open(cube).attempt(Grasp(ON_CUBE))
    assert not attempt.is_success
    assert attempt.steps[0].reached.z_m > BIN_FLOOR_M + 0.03


def test_a_closed_loop_looks_before_each_motion(cube: Scene, textures: Textures) -> None:
    servo = world(textures, servo="closed_loop")
    attempt = servo.open(cube).attempt(Grasp(ON_CUBE, num_steps=3))
    assert attempt.is_success
    assert len(attempt.steps) == 3
    heights = [step.pose.z_m for step in attempt.steps] + [attempt.steps[-1].reached.z_m]
    assert all(b < a for a, b in itertools.pairwise(heights))
    first, last = attempt.steps[0].rendering, attempt.steps[-1].rendering
    assert (first.class_ids != last.class_ids).any()
    for before, after in itertools.pairwise(attempt.steps):
        assert after.pose == before.reached


def test_an_attempt_changes_nothing_for_the_next(cube: Scene, textures: Textures) -> None:
    at_rest = world(textures).open(cube)
    before = pictures(at_rest.look())
    first = digest(at_rest.attempt(Grasp(ON_CUBE)))
    at_rest.attempt(Grasp(BESIDE))
    assert digest(at_rest.attempt(Grasp(ON_CUBE))) == first
    assert pictures(at_rest.look()) == before


def test_stopping_early_leaves_outcomes_alone(cube: Scene, textures: Textures) -> None:
    at_rest = world(textures, early_stop=True).open(cube)
    held, missed = at_rest.attempt(Grasp(ON_CUBE)), at_rest.attempt(Grasp(BESIDE))
    assert (held.is_success, held.is_stopped_early) == (True, False)
    assert (missed.is_success, missed.is_stopped_early) == (False, True)


def test_a_scene_is_the_same_alone_in_sequence_and_in_another_process(textures: Textures) -> None:
    scenes = [drawn(number, textures) for number in range(3)]
    used = world(textures)
    in_sequence = [collect(each, used) for each in scenes]
    assert [collect(each, used) for each in reversed(scenes)] == in_sequence[::-1]
    assert collect(scenes[2], world(textures)) == in_sequence[2]
    code = (
        "import runpy, sys; it = runpy.run_path(sys.argv[1]); "
        "t = it['generated_textures'](it['np'].random.default_rng(0), 8); "
        "print(it['collect'](it['drawn'](1, t), it['world'](t)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, __file__],
        cwd=Path(__file__).parents[4],
        env={"PYTHONPATH": str(Path(__file__).parents[4]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == repr(in_sequence[1])


def test_a_broken_mesh_is_named(tmp_path: Path, textures: Textures) -> None:
    flat = "o flat\n" + "".join(f"v {x} {y} 0\n" for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)))
    (tmp_path / "flat.obj").write_text(flat + "f 1 2 3\nf 2 4 3\nf 1 3 2\nf 2 3 4\n")
    model = write_urdf(tmp_path, "flat", '<mesh filename="flat.obj" scale="0.05 0.05 0.05"/>')
    good = write_urdf(tmp_path, "cube", CUBE)
    used = world(textures)
    with pytest.raises(DataError, match=r"folder/flat.*flat\.urdf"):
        used.open(scene([(good, (X_M, Y_M, 0.0)), (model, (X_M, 0.1, 0.0))]))
    assert used.open(scene([(good, (X_M, Y_M, 0.0))])).objects[0].is_in_bin


def test_what_the_dynamics_say_changes_what_happens(tmp_path: Path, textures: Textures) -> None:
    slab = write_urdf(tmp_path, "slab", CUBE, mass_kg=0.2)
    opened = scene([(slab, (X_M, Y_M, BIN_FLOOR_M + 0.03))])
    slippery = replace(opened.dynamics, friction=(0.02,), finger_friction=0.01)
    heavy = replace(opened.dynamics, mass_scale=(100.0,))
    used = world(textures)
    assert used.open(opened).attempt(Grasp(ON_CUBE)).is_success
    for dynamics in (slippery, heavy):
        attempt = used.open(replace(opened, dynamics=dynamics)).attempt(Grasp(ON_CUBE))
        assert not attempt.is_success


def test_pictures_show_bin_objects_arm_and_gripper(textures: Textures) -> None:
    at_rest = world(textures).open(drawn(1, textures))
    x_m, y_m, _ = at_rest.objects[0].position_m
    empty = at_rest.look()
    armed = at_rest.attempt(Grasp(GripperPose(x_m, y_m, -0.15, 0.0))).steps[0].rendering
    assert empty.rgb.mean() > 20
    assert set(np.unique(empty.class_ids)) <= {0, 1, 2}
    assert set(np.unique(empty.instance_ids)) == set(range(6))
    assert {SemanticClass.ARM, SemanticClass.GRIPPER} <= set(np.unique(armed.class_ids))
    assert ((armed.part_ids > 0) == (armed.class_ids >= SemanticClass.ARM)).all()
    assert ((armed.instance_ids > 0) == (armed.class_ids == SemanticClass.OBJECT)).all()


def test_noise_differs_between_pictures_and_not_between_repeats(textures: Textures) -> None:
    opened = drawn(2, textures)
    assert opened.look is not None
    silent = replace(opened, look=replace(opened.look, noise_sigma=0.0))
    used = world(textures)
    noisy = used.open(opened).look().rgb.astype(int)
    difference = noisy - used.open(silent).look().rgb
    assert 0.5 * opened.look.noise_sigma < difference.std() < 1.5 * opened.look.noise_sigma
    again = used.open(opened).look().rgb
    assert (noisy == again).all()
