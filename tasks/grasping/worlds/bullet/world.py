"""The world `bullet`: PyBullet, a Kuka iiwa with a parallel gripper over a bin of objects.

What is simulated is what can matter to the outcome. The open gripper appears where an attempt
starts; the part of the way down on which it can touch nothing is skipped; objects that it doesn't
come near are held still (`stillness` beside this); the rest of the way, the closing and the lift
follow smooth paths in physical time, so that the length of a step changes how
finely an attempt is computed and not what the gripper does.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
import pybullet

from tasks.grasping.config import PhysicsConfig, WorldConfig
from tasks.grasping.looks.sensor import develop
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import (
    Attempt,
    GripperPose,
    ObjectState,
    Rendering,
    Scene,
    Step,
)
from tasks.grasping.workspace import LIFT_HEIGHT_M, SUCCESS_HEIGHT_M
from tasks.grasping.worlds.bullet.arm import Robot, read_robot
from tasks.grasping.worlds.bullet.bin import (
    add_bin,
    add_objects,
    forget_contacts,
    heights_m,
    inertial_frames,
    places,
    put_back,
    send_to_sleep,
    set_engine,
    settle,
    start_engine,
    states,
)
from tasks.grasping.worlds.bullet.endings import Lost, Stalled
from tasks.grasping.worlds.bullet.gripper import REACH_M, Axis, Gripper, folded_rad
from tasks.grasping.worlds.bullet.renderer import Renderer, shading
from tasks.grasping.worlds.bullet.stillness import StillObjects
from tasks.grasping.worlds.interface import Controller

_SPEED_M_S: Final = 0.30  # mean speed of the way down and of servo moves
_TURN_RAD_S: Final = 2.5
_MIN_MOVE_S: Final = 0.10
_CLOSE_S: Final = 0.25
_SQUEEZE_S: Final = 0.05
_LIFT_S: Final = 0.27
_HOLD_S: Final = 0.10
_CLEARANCE_M: Final = 0.015
_TOUCH_M: Final = 0.002

Point = TypeVar("Point")


class BulletWorld:
    """PyBullet's world.

    Args:
        config: Its settings.
        textures: What painted surfaces are painted with.
    """

    def __init__(self, config: WorldConfig, textures: Textures) -> None:
        self._config = config
        self._textures = textures
        self._robot = read_robot()
        camera = config.camera
        self._renderer = Renderer(self._robot, camera.size_px, camera.view_deg)
        self._client = pybullet.connect(pybullet.DIRECT)

    def open(self, scene: Scene, physics: PhysicsConfig | None = None) -> BulletScene:
        """Let the scene's objects fall and come to rest.

        They always fall at the same rate, so that attempts under any settings start alike.

        Args:
            scene: What to open.
            physics: Settings of its attempts, in place of the world's.

        Raises:
            DataError: An object's model can't be loaded; the message names its file.
        """
        config = replace(self._config, physics=physics or self._config.physics)
        self._renderer.forget()
        return BulletScene(self._client, scene, config, self._textures, self._robot, self._renderer)

    def close(self) -> None:
        """Give the engines back."""
        self._renderer.close()
        pybullet.disconnect(self._client)


class BulletScene:
    """A scene at rest; see `tasks.grasping.worlds.interface.OpenScene`."""

    def __init__(
        self,
        client: int,
        scene: Scene,
        config: WorldConfig,
        textures: Textures,
        robot: Robot,
        renderer: Renderer,
    ) -> None:
        self._client = client
        self._scene = scene
        self._physics = config.physics
        self._has_g_buffers = config.camera.g_buffers
        self._textures = textures
        self._renderer = renderer
        self._step_s = 1 / config.physics.rate_hz
        start_engine(client)
        bin_bodies = add_bin(client)
        self._bodies = add_objects(client, scene.objects, scene.dynamics)
        frames = inertial_frames(client, scene.objects, self._bodies)
        settle(client, self._bodies)
        self._sleepers = (*bin_bodies, *self._bodies)
        self._rest = places(client, self._bodies)
        self._objects = states(client, self._bodies, frames)
        self._boxes = np.array(
            [pybullet.getAABB(body, -1, physicsClientId=client) for body in self._bodies]
        ).reshape(-1, 2, 3)
        physics = config.physics
        self._gripper = Gripper(client, robot, physics.opening_m, _axes(physics))
        self._still = StillObjects(client, self._bodies, self._gripper, self._step_s)
        set_engine(client, physics.rate_hz, physics.solver_iterations, physics.solver_residual)
        self._gripper.set_friction(scene.dynamics.finger_friction)
        self._gripper.park(self._step_s)
        self._is_dirty = True

    @property
    def objects(self) -> tuple[ObjectState, ...]:
        """Where each object lies, in the scene's order."""
        return self._objects

    def look(self) -> Rendering:
        """Return the picture without the arm."""
        self._restore()
        return self._finished(
            self._renderer.without_arm(self._scene.camera, self._client, self._bodies), 0
        )

    def attempt(self, controller: Controller) -> Attempt:
        """Try one grasp, then put every object back where it lay."""
        self._restore()
        self._is_dirty = True
        self._place(controller.start)
        one_shot = self._physics.servo == "one_shot"
        steps = []
        for number in range(controller.num_steps):
            pose = self._gripper.pose()
            seen = self._seen(controller, number, pose)
            target = controller.next_pose(number, pose, seen)
            self._descend(pose, target) if one_shot else self._go(pose, target)
            steps.append(Step(seen, pose, target, self._gripper.pose()))
        outcome = self._grasp(tuple(steps))
        self._restore()
        return outcome

    def _seen(self, controller: Controller, step: int, pose: GripperPose) -> Rendering:
        rendering = self._renderer.with_arm(
            self._scene.camera, self._client, self._bodies, pose, self._gripper.angle_rad()
        )
        # Numbered by the attempt's own start: the noise must not tell what came before it.
        return self._finished(rendering, 1 + zlib.crc32(repr((controller.start, step)).encode()))

    def _finished(self, rendering: Rendering, picture: int) -> Rendering:
        """Paint the picture and keep of the buffers what was asked for."""
        finished = develop(rendering, self._scene, self._textures, picture)
        if self._has_g_buffers:
            return replace(finished, shading=shading(finished, self._scene.look))
        return replace(finished, depth_m=None)

    def _restore(self) -> None:
        if self._is_dirty:
            self._still.release_all()
            put_back(self._client, self._bodies, self._rest)
            links = [(body, -1) for body in self._bodies]
            links += [(self._gripper.body, link) for link in self._gripper.solid_links]
            forget_contacts(self._client, links)
            put_back(self._client, self._bodies, self._rest)  # they fell for a step
            self._gripper.park(self._step_s)
            self._still.hold()
            send_to_sleep(self._client, self._sleepers)
            self._is_dirty = False

    def _place(self, pose: GripperPose) -> None:
        self._gripper.place(pose, self._step_s)
        self._still.measure_anew()

    def _descend(self, start: GripperPose, target: GripperPose) -> None:
        """Go straight down onto the target, from where something could be touched."""
        near = np.array([target.x_m, target.y_m])
        is_below = np.all(
            (self._boxes[:, 0, :2] < near + REACH_M) & (self._boxes[:, 1, :2] > near - REACH_M),
            axis=1,
        )
        top = float(np.max(self._boxes[is_below, 1, 2], initial=-np.inf)) + _CLEARANCE_M
        above = replace(target, z_m=float(np.clip(top, target.z_m, max(start.z_m, target.z_m))))
        self._place(above)
        self._go(above, target)

    def _go(self, start: GripperPose, target: GripperPose) -> None:
        """Drive the gripper along a straight and smooth path."""
        shift = np.array([target.x_m - start.x_m, target.y_m - start.y_m, target.z_m - start.z_m])
        turn = folded_rad(target.yaw_rad - start.yaw_rad)
        duration = max(
            float(np.linalg.norm(shift)) / _SPEED_M_S, abs(turn) / _TURN_RAD_S, _MIN_MOVE_S
        )

        dx, dy, dz = shift.tolist()

        def at(share: float) -> GripperPose:
            s = _smooth(share)
            return GripperPose(
                start.x_m + s * dx, start.y_m + s * dy, start.z_m + s * dz, start.yaw_rad + s * turn
            )

        self._follow(duration, at, self._gripper.move)

    def _grasp(self, steps: tuple[Step, ...]) -> Attempt:
        """Close the fingers where the gripper is, lift, and see what hangs between them."""
        gripper = self._gripper
        before = np.array([state.centre_m[2] for state in self._objects])
        self._close(steps[-1].target)
        is_empty = self._physics.early_stop and not self._touched()
        if is_empty or not self._lift():
            return Attempt(steps, False, None, 0.0, gripper.gap_m(), True)
        rises = heights_m(self._client, self._bodies) - before
        held = [i for i in self._touched() if rises[i] >= SUCCESS_HEIGHT_M]
        return Attempt(
            steps,
            bool(held),
            max(held, key=lambda i: rises[i]) if held else None,
            float(max(0.0, rises.max())),
            gripper.gap_m(),
            False,
        )

    def _close(self, target: GripperPose) -> None:
        """Close the fingers, the carriage held at the target, until all stands still at most."""
        gripper = self._gripper
        low, high = gripper.open_rad, gripper.closed_rad
        gripper.move(target, target, self._step_s)
        stalled = Stalled(self._client, gripper, self._step_s, self._touched_bodies)
        is_whole = self._follow(
            _CLOSE_S,
            lambda share: low + (high - low) * min(1.0, share),
            gripper.squeeze,
            stalled.is_over if self._physics.early_stop else None,
        )
        gripper.squeeze(high, high, self._step_s)
        if is_whole:
            self._wait(_SQUEEZE_S)

    def _lift(self) -> bool:
        """Lift and hold; False if the rest was left out, as the fingers had lost all they held."""
        gripper, start = self._gripper, self._gripper.pose()

        def at(share: float) -> GripperPose:
            height = start.z_m + LIFT_HEIGHT_M * _smooth(share)
            return GripperPose(start.x_m, start.y_m, height, start.yaw_rad)

        lost = Lost(self._step_s, self._touched_bodies)
        is_over = lost.is_over if self._physics.early_stop else None
        if not self._follow(_LIFT_S, at, gripper.move, is_over):
            return False
        end = at(1.0)
        gripper.move(end, end, self._step_s)
        self._wait(_HOLD_S)
        return True

    def _follow(
        self,
        duration_s: float,
        at: Callable[[float], Point],
        aim: Callable[[Point, Point, float], None],
        is_over: Callable[[], bool] | None = None,
    ) -> bool:
        """Step through a path.

        Args:
            duration_s: How long it takes.
            at: Point of the path at a share of the duration.
            aim: Aims motors from one point to the next, which follows after some seconds.
            is_over: Asked after each step whether to leave out the rest.

        Returns:
            Whether it was followed to its end.
        """
        num_steps = max(1, round(duration_s / self._step_s))
        now = at(0.0)
        for number in range(1, num_steps + 1):
            after = at(number / num_steps)
            aim(now, after, self._step_s)
            self._step()
            if is_over is not None and is_over():
                return False
            now = after
        return True

    def _wait(self, duration_s: float) -> None:
        for _ in range(round(duration_s / self._step_s)):
            self._step()

    def _step(self) -> None:
        self._still.release()
        pybullet.stepSimulation(physicsClientId=self._client)

    def _touched(self) -> set[int]:
        """Return the indices of the objects that a finger touches."""
        return {self._bodies.index(body) for body in self._touched_bodies()}

    def _touched_bodies(self) -> list[int]:
        gripper = self._gripper
        points = pybullet.getContactPoints(bodyA=gripper.body, physicsClientId=self._client)
        found = {p[2] for p in points if p[3] in gripper.finger_links and p[8] < _TOUCH_M}
        return [body for body in self._bodies if body in found]


def _axes(physics: PhysicsConfig) -> tuple[Axis, ...]:
    return ("z",) if physics.servo == "one_shot" else ("x", "y", "z", "yaw")


def _smooth(share: float) -> float:
    """Path of least jerk from 0 to 1 (T. Flash and N. Hogan, J. Neuroscience 1985, eq. 3)."""
    return share**3 * (10 - 15 * share + 6 * share**2)
