"""The world `bullet`: outcomes known beforehand, determinism, pictures and errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.config import CameraConfig, PhysicsConfig, WorldConfig
from tasks.grasping.looks.textures import generated_textures
from tasks.grasping.types import (
    Attempt,
    Camera,
    Dynamics,
    GripperPose,
    ObjectModel,
    PlacedObject,
    Rendering,
    Scene,
    SemanticClass,
)
from tasks.grasping.workspace import BIN_FLOOR_M, LIFT_HEIGHT_M
from tasks.grasping.worlds.bullet.camera import project
from tasks.grasping.worlds.bullet.world import BulletScene, BulletWorld

_BOX = """<robot name="box"><link name="box"><inertial><mass value="0.1"/>
<origin xyz="0 0 0"/><inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>
<visual><geometry><box size="{size}"/></geometry></visual>
<collision><geometry><box size="{size}"/></geometry></collision></link></robot>
"""
_BAR = "0.03 0.12 0.04"  # to be grasped along x, not along y
_HOVER = GripperPose(0.55, -0.05, BIN_FLOOR_M + 0.25, 0.0)


class Targets:
    """A controller that was told beforehand where to go."""

    def __init__(self, *targets: GripperPose, start: GripperPose = _HOVER) -> None:
        self.start = start
        self._targets = targets

    @property
    def num_steps(self) -> int:
        return len(self._targets)

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        return self._targets[step]


def camera(size_px: int = 96) -> Camera:
    """A camera that looks at the bin from the front right."""
    eye, aim = np.array([1.2, -0.45, 0.65]), np.array([0.6, 0.0, -0.12])
    z = (aim - eye) / np.linalg.norm(aim - eye)
    x = np.cross(z, [0, 0, 1]) / np.linalg.norm(np.cross(z, [0, 0, 1]))
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(z, x), z])
    pose[:3, 3] = -pose[:3, :3] @ eye
    focal = size_px / 2 / np.tan(np.radians(17))
    return Camera(size_px, size_px, focal, focal, size_px / 2 + 1.3, size_px / 2 - 2.1, pose)


def box_scene(folder: Path, places: Sequence[tuple[float, float]]) -> Scene:
    """Bars that fall a little and lie where they were let go."""
    path = folder / "bar.urdf"
    path.write_text(_BOX.format(size=_BAR))
    model = ObjectModel("folder/bar", "folder", "train", str(path))
    num = len(places)
    ones = (1.0,) * num
    dynamics = Dynamics(ones, (0.8,) * num, 1.0, (0.0,) * num, (0.04,) * num)
    objects = tuple(
        PlacedObject(model, (x, y, BIN_FLOOR_M + 0.03), (0.0, 0.0, 0.0, 1.0)) for x, y in places
    )
    return Scene("boxes", objects, dynamics, camera(), None, 7)


def at(x_m: float, y_m: float, yaw_rad: float = 0.0) -> GripperPose:
    return GripperPose(x_m, y_m, BIN_FLOOR_M + 0.01, yaw_rad)


def outcome(attempt: Attempt) -> tuple[object, ...]:
    """All of an attempt that could differ."""
    steps = [
        (step.pose, step.target, step.reached, step.rendering.rgb.tobytes())
        for step in attempt.steps
    ]
    return (
        steps,
        attempt.is_success,
        attempt.lifted_object,
        attempt.lift_height_m,
        attempt.finger_gap_m,
    )


def make_world(physics: PhysicsConfig, *, g_buffers: bool = False) -> BulletWorld:
    config = WorldConfig(physics=physics, camera=CameraConfig(size_px=96, g_buffers=g_buffers))
    return BulletWorld(config, generated_textures(np.random.default_rng(0), 4))


@pytest.fixture(scope="module")
def world() -> Iterator[BulletWorld]:
    world = make_world(PhysicsConfig())
    yield world
    world.close()


PLACES = [(0.60, 0.0), (0.68, 0.02)]
COMMANDS = [
    Targets(at(0.60, 0.0)),
    Targets(at(0.66, 0.03, 0.4)),
    Targets(at(0.53, -0.08)),
    Targets(at(0.64, 0.01, -0.9)),
]


def test_lifts_a_bar_grasped_along_its_short_side(world: BulletWorld, tmp_path: Path) -> None:
    scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]))
    attempt = scene.attempt(Targets(at(0.60, 0.0)))
    assert attempt.is_success
    assert attempt.lifted_object == 0
    assert attempt.lift_height_m == pytest.approx(LIFT_HEIGHT_M, abs=0.01)
    assert attempt.finger_gap_m == pytest.approx(0.03, abs=0.004)


def test_closing_axis_decides(world: BulletWorld, tmp_path: Path) -> None:
    scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]))
    assert not scene.attempt(Targets(at(0.60, 0.0, -np.pi / 2))).is_success


def test_empty_grasp_fails(world: BulletWorld, tmp_path: Path) -> None:
    scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]))
    attempt = scene.attempt(Targets(at(0.50, -0.08)))
    assert not attempt.is_success
    assert attempt.lifted_object is None
    assert attempt.lift_height_m == pytest.approx(0.0, abs=1e-3)
    assert attempt.finger_gap_m == pytest.approx(0.0, abs=1e-3)


def test_attempt_depends_on_scene_and_command_alone(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    opened = world.open(scene)
    objects, look = opened.objects, opened.look().rgb.tobytes()
    in_sequence = [outcome(opened.attempt(command)) for command in COMMANDS]
    again = [outcome(opened.attempt(command)) for command in reversed(COMMANDS)]
    assert again[::-1] == in_sequence
    world.open(box_scene(tmp_path, [(0.5, 0.1)])).attempt(COMMANDS[0])
    for command, expected in zip(COMMANDS, in_sequence, strict=True):
        alone = world.open(scene)
        assert alone.objects == objects
        assert outcome(alone.attempt(command)) == expected
        assert alone.look().rgb.tobytes() == look
    assert len({bool(expected[1]) for expected in in_sequence}) == 2


def test_another_world_gives_the_same(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    here = [outcome(world.open(scene).attempt(command)) for command in COMMANDS]
    other = make_world(PhysicsConfig())
    there = [outcome(other.open(scene).attempt(command)) for command in COMMANDS]
    other.close()
    assert here == there


def test_masks_tell_objects_bin_and_arm(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    opened = world.open(scene)
    look = opened.look()
    seen = opened.attempt(COMMANDS[2]).steps[0].rendering
    assert set(np.unique(look.class_ids)) == {
        SemanticClass.BACKGROUND,
        SemanticClass.TRAY,
        SemanticClass.OBJECT,
    }
    assert {SemanticClass.ARM, SemanticClass.GRIPPER} <= set(np.unique(seen.class_ids))
    assert not look.part_ids.any()
    assert np.array_equal(seen.part_ids > 0, seen.class_ids >= SemanticClass.ARM)
    assert np.array_equal(look.instance_ids > 0, look.class_ids == SemanticClass.OBJECT)
    for index, state in enumerate(opened.objects):
        rows, columns = np.nonzero(look.instance_ids == index + 1)
        centre = project(scene.camera, np.array([state.position_m]))[0]
        assert np.hypot(*(centre - [columns.mean(), rows.mean()])) < 2


def test_buffers_come_when_asked_for(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    assert world.open(scene).look().depth_m is None
    other = make_world(PhysicsConfig(), g_buffers=True)
    look = other.open(scene).look()
    other.close()
    assert look.depth_m is not None
    assert look.shading is not None
    assert look.shading.std() > 5
    middle = look.depth_m[look.instance_ids == 1]
    distance = (scene.camera.camera_from_base @ [*PLACES[0], BIN_FLOOR_M + 0.02, 1])[2]
    assert np.median(middle) == pytest.approx(distance, abs=0.04)


def test_closed_loop_reaches_its_targets(tmp_path: Path) -> None:
    world = make_world(PhysicsConfig(servo="closed_loop"))
    scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]))
    targets = [
        GripperPose(0.58, 0.02, BIN_FLOOR_M + 0.15, 0.5),
        GripperPose(0.60, 0.0, BIN_FLOOR_M + 0.08, 0.1),
        at(0.60, 0.0),
    ]
    attempt = scene.attempt(Targets(*targets))
    world.close()
    assert [step.target for step in attempt.steps] == targets
    for step, after in zip(attempt.steps, [*attempt.steps[1:], None], strict=True):
        reached = np.array([step.reached.x_m, step.reached.y_m, step.reached.z_m])
        target = np.array([step.target.x_m, step.target.y_m, step.target.z_m])
        assert np.abs(reached - target).max() < 2e-3
        assert step.reached.yaw_rad == pytest.approx(step.target.yaw_rad, abs=0.01)
        assert after is None or after.pose == step.reached
    assert attempt.is_success


def test_early_stop_changes_no_outcome(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    rng = np.random.default_rng(3)
    commands = [
        Targets(at(*rng.uniform((0.52, -0.1, -1.5), (0.72, 0.1, 1.5)).tolist())) for _ in range(24)
    ]
    complete = replace(PhysicsConfig(), early_stop=False)
    full = [world.open(scene, complete).attempt(command) for command in commands]
    short = [world.open(scene).attempt(command) for command in commands]
    assert [a.is_success for a in full] == [a.is_success for a in short]
    assert any(a.is_stopped_early for a in short)
    assert any(a.is_success for a in short)


def count_steps(monkeypatch: pytest.MonkeyPatch, during: str) -> list[str]:
    """Let a scene note each step that it takes in one of its methods."""
    noted: list[str] = []
    step, method = BulletScene._step, getattr(BulletScene, during)

    def counted(scene: BulletScene, *arguments: object) -> object:
        monkeypatch.setattr(BulletScene, "_step", lambda s: (noted.append(during), step(s))[1])
        found = method(scene, *arguments)
        monkeypatch.setattr(BulletScene, "_step", step)
        return found

    monkeypatch.setattr(BulletScene, during, counted)
    return noted


def test_stops_closing_once_nothing_moves(
    world: BulletWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The box is half as wide as the gripper opens: its fingers stand still for half the way."""
    num_steps = count_steps(monkeypatch, "_close")
    found = {}
    for physics in (PhysicsConfig(), replace(PhysicsConfig(), early_stop=False)):
        num_steps.clear()
        scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]), physics)
        attempt = scene.attempt(Targets(at(0.60, 0.0)))
        assert attempt.is_success
        assert not attempt.is_stopped_early
        found[physics.early_stop] = len(num_steps)
    assert found[False] == 72
    assert 20 < found[True] < 60


def test_stops_lifting_what_it_lost(
    world: BulletWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fingers that come down on top of a bar touch it when they close, and not when they rise."""
    num_steps = count_steps(monkeypatch, "_lift")

    def steps_of(physics: PhysicsConfig, target: GripperPose) -> int:
        scene = world.open(box_scene(tmp_path, [(0.60, 0.0)]), physics)
        num_steps.clear()
        assert scene.attempt(Targets(target)).is_stopped_early == physics.early_stop
        return len(num_steps)

    on_top, beside = at(0.60, 0.0, -np.pi / 2), at(0.50, -0.08)
    stopping, complete = PhysicsConfig(), replace(PhysicsConfig(), early_stop=False)
    lost = steps_of(complete, on_top) - steps_of(stopping, on_top)
    untouched = steps_of(complete, beside) - steps_of(stopping, beside)
    assert 0 < lost < untouched


def test_names_the_file_of_a_broken_model(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    broken = tmp_path / "broken.urdf"
    broken.write_text("<robot name='x'><link name='y'>")
    model = replace(scene.objects[0].model, path=str(broken))
    objects = (replace(scene.objects[0], model=model), *scene.objects[1:])
    with pytest.raises(DataError, match=r"broken\.urdf"):
        world.open(replace(scene, objects=objects))
    assert world.open(scene).attempt(COMMANDS[0]).is_success


def test_names_the_file_of_a_model_without_its_mesh(world: BulletWorld, tmp_path: Path) -> None:
    scene = box_scene(tmp_path, PLACES)
    path = tmp_path / "meshless.urdf"
    mesh = '<mesh filename="nowhere.obj"/>'
    path.write_text(_BOX.replace('<box size="{size}"/>', mesh))
    model = replace(scene.objects[0].model, path=str(path))
    with pytest.raises(DataError, match=r"meshless\.urdf"):
        world.open(replace(scene, objects=(replace(scene.objects[0], model=model),) * 2))
