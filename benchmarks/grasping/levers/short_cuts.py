"""Short cuts through an attempt's physics; `comparison` beside this tries them."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pybullet

from benchmarks.grasping.agreement import FAST
from tasks.grasping.config import PhysicsConfig, WorldConfig
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import (
    Attempt,
    FloatArray,
    GripperPose,
    ObjectModel,
    PlacedObject,
    Scene,
    Step,
)
from tasks.grasping.worlds.bullet.world import BulletScene, BulletWorld, Point
from tasks.grasping.worlds.interface import OpenScene
from tasks.grasping.worlds.surrogate.objects import read_body
from tasks.grasping.worlds.surrogate.world import SurrogateWorld

MAX_VERTICES: Final = 16
WRIST_N: Final = 20.0  # upward push, the gripper's weight apart, that a wrist takes for contact
_GRIPPER_N: Final = 9.81  # its weight, which the carriage's motor carries


@dataclass(frozen=True)
class Lever:
    """How attempts are simulated.

    Attributes:
        kind: What tries them.
        physics: Its settings.
        prepare: Done to a scene once it is open.
        has_small_hulls: Whether each convex piece of an object has 16 vertices at most.
        is_mujoco: Whether MuJoCo and the surrogate's gripper try the same grasps, on objects that
            lie as they do in PyBullet.
    """

    kind: type[BulletScene] = BulletScene
    physics: PhysicsConfig = FAST
    prepare: Callable[[BulletScene], None] = lambda scene: None  # noqa: ARG005
    has_small_hulls: bool = False
    is_mujoco: bool = False


def opened(lever: Lever, world: BulletWorld, scene: Scene) -> tuple[OpenScene, float]:
    """Open a scene; also returns what that takes a process that does nothing else, in CPU seconds.

    MuJoCo is charged with letting the objects settle, and then gets them as PyBullet did.
    """
    if lever.has_small_hulls:
        objects = tuple(replace(each, model=_small(each.model)) for each in scene.objects)
        scene = replace(scene, objects=objects)
    begun_s = time.process_time()
    if lever.is_mujoco:
        _surrogate().open(scene)
        spent_s = time.process_time() - begun_s
        return _surrogate().open(_at_rest(scene, world.open(scene))), spent_s
    world._renderer.forget()
    config = replace(world._config, physics=lever.physics)
    found = lever.kind(world._client, scene, config, world._textures, world._robot, world._renderer)
    lever.prepare(found)
    return found, time.process_time() - begun_s


def free_when_touched(scene: BulletScene) -> None:
    """Set objects free when something touches them, not when the gripper comes near."""
    still = scene._still
    still._release_near = still._release_touched  # type: ignore[method-assign]


def halved(method_name: str) -> type[BulletScene]:
    """A scene whose steps are twice as long in one of its methods."""
    method = getattr(BulletScene, method_name)

    def run(scene: BulletScene, *arguments: object) -> object:
        _stretch_steps(scene, 2.0)
        try:
            return method(scene, *arguments)
        finally:
            _stretch_steps(scene, 0.5)

    return type("Halved", (BulletScene,), {method_name: run})


def _stretch_steps(scene: BulletScene, times: float) -> None:
    scene._step_s *= times
    scene._still._most_m *= times
    pybullet.setPhysicsEngineParameter(fixedTimeStep=scene._step_s, physicsClientId=scene._client)


@cache
def _surrogate() -> SurrogateWorld:
    return SurrogateWorld(WorldConfig("surrogate"), Textures(np.zeros((0, 1, 1, 3), np.uint8)))


def _at_rest(scene: Scene, lying: OpenScene) -> Scene:
    objects = tuple(
        PlacedObject(placed.model, state.centre_m, state.quaternion_xyzw)
        for placed, state in zip(scene.objects, lying.objects, strict=True)
    )
    return replace(scene, objects=objects)


class _WristForce(BulletScene):
    """Its descents end where the wrist feels something."""

    _is_on_its_way = _has_hit = False

    def _go(self, start: GripperPose, target: GripperPose) -> None:
        self._is_on_its_way, self._has_hit = True, False
        super()._go(start, target)
        self._is_on_its_way = False

    def _follow(
        self,
        duration_s: float,
        at: Callable[[float], Point],
        aim: Callable[[Point, Point, float], None],
        is_over: Callable[[], bool] | None = None,
    ) -> bool:
        if not self._is_on_its_way:
            return super()._follow(duration_s, at, aim, is_over)
        self._has_hit = not super()._follow(duration_s, at, aim, self._feels)
        return not self._has_hit

    def _feels(self) -> bool:
        state = pybullet.getJointState(self._gripper.body, 0, physicsClientId=self._client)
        return bool(state[3] - _GRIPPER_N < -WRIST_N)


class EndedByForce(_WristForce):
    """Gives an attempt up where the wrist feels something on the way down."""

    def _grasp(self, steps: tuple[Step, ...]) -> Attempt:
        if self._has_hit:
            return Attempt(steps, False, None, 0.0, self._gripper.gap_m(), True)
        return super()._grasp(steps)


class ClosedByForce(_WristForce):
    """Closes the fingers where the wrist feels something on the way down, pressing no further."""

    def _close(self, target: GripperPose) -> None:
        super()._close(self._gripper.pose() if self._has_hit else target)


_folder = tempfile.TemporaryDirectory(prefix="orrery-bench-")


@cache
def _small(model: ObjectModel) -> ObjectModel:
    """The object with few vertices a piece; what is seen and weighed stays."""
    body = read_body(model)
    if not all(piece.is_mesh for piece in body.pieces):
        return model
    name, path = model.object_id.replace("/", "-"), Path(model.path)
    pieces = [few(piece.surface.vertices_m + piece.position_m) for piece in body.pieces]
    Path(_folder.name, f"{name}.obj").write_text(_obj(pieces))
    for seen in path.parent.glob("*.obj"):
        shutil.copy(seen, _folder.name)
    shape = f'<geometry><mesh filename="{name}.obj" scale="1 1 1"/></geometry>'
    urdf = Path(_folder.name, f"{name}.urdf")
    urdf.write_text(
        re.sub(r"(?s)(<collision>).*?(</collision>)", rf"\1{shape}\2", path.read_text())
    )
    return replace(model, path=str(urdf))


def few(points_m: FloatArray) -> FloatArray:
    """The points, (n, 3), that lie farthest out in 16 directions spread evenly over the sphere."""
    steps = np.arange(MAX_VERTICES) + 0.5
    z, turn_rad = 1 - 2 * steps / MAX_VERTICES, np.pi * (1 + np.sqrt(5)) * steps
    across = np.sqrt(1 - z**2)
    out = np.stack([across * np.cos(turn_rad), across * np.sin(turn_rad), z])
    farthest: FloatArray = points_m[np.unique((points_m @ out).argmax(axis=0))]
    return farthest if len(farthest) > 3 else points_m  # a sliver stays as it is


def _obj(pieces: list[FloatArray]) -> str:
    """Pieces as a Wavefront file whose faces name all points; PyBullet makes their hulls itself."""
    lines, first = [], 1
    for number, points_m in enumerate(pieces):
        lines.append(f"o piece_{number}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in points_m]
        last = first + len(points_m)
        lines += [f"f {first} {corner} {corner + 1}" for corner in range(first + 1, last - 1)]
        first = last
    return "\n".join(lines) + "\n"
