"""The surrogate of a real robot: a MuJoCo simulation with another engine, renderer and gripper.

It stands in for reality where simulated data are judged: physics, pictures, camera and robot
differ from the PyBullet worlds', and the objects may too. No real robot was ever involved.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.config import WorldConfig
from tasks.grasping.looks.sensor import distort, noise_rng, sense
from tasks.grasping.types import (
    Attempt,
    FloatArray,
    GripperPose,
    ObjectState,
    Rendering,
    Scene,
    Step,
)
from tasks.grasping.workspace import (
    BIN_CENTRE_M,
    BIN_FLOOR_M,
    BIN_INNER_M,
    SUCCESS_HEIGHT_M,
)
from tasks.grasping.worlds.interface import Controller
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.model import (
    WALL_HEIGHT_M,
    SurrogateModel,
    build_model,
    plain_look,
)
from tasks.grasping.worlds.surrogate.render import SceneRenderer
from tasks.grasping.worlds.surrogate.robot import Robot

if TYPE_CHECKING:
    from tasks.grasping.looks.textures import Textures

PARKED: Final = GripperPose(0.35, 0.0, 0.55, 0.0)
CLEARANCE_M: Final = 0.012  # between the finger tips and what they pass over
SETTLING_S: Final = 3.0
REST_M_S, REST_RAD_S = 0.01, 0.2
EMPTY_GAP_M: Final = 0.001

_STATE: Final = mujoco.mjtState.mjSTATE_INTEGRATION
_FAULTS: Final = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)

logger = logging.getLogger(__name__)


class SurrogateWorld:
    """MuJoCo behind the interface of `tasks.grasping.worlds.interface.World`."""

    def __init__(self, config: WorldConfig, textures: Textures) -> None:
        self._config, self._images = config, textures.images
        self._scene: SurrogateScene | None = None
        # MuJoCo otherwise writes its warnings into a file in the working folder.
        mujoco.set_mju_user_warning(logger.warning)

    def open(self, scene: Scene) -> SurrogateScene:
        """Let the scene's objects fall and come to rest.

        Raises:
            DataError: An object's model can't be loaded; the message names its file.
            ResourceError: The renderer doesn't start.
        """
        self.close()
        built = build_model(scene, self._config.physics, self._images)
        self._scene = SurrogateScene(scene, built, self._config)
        return self._scene

    def close(self) -> None:
        """Free the open scene's model and buffers."""
        if self._scene is not None:
            self._scene.close()
        self._scene = None


class SurrogateScene:
    """A scene at rest, of which every attempt starts with the same state."""

    def __init__(self, scene: Scene, built: SurrogateModel, config: WorldConfig) -> None:
        self._scene, self._built, self._physics = scene, built, config.physics
        self._robot = Robot(built.model, config.physics)
        self._renderer = SceneRenderer(built, scene.camera, config.camera.g_buffers)
        self._place_objects()
        self._robot.place(PARKED)
        self._settle()
        self._objects = tuple(self._object_states())
        self._clear_z_m = self._height_to_clear()
        self._rest = np.empty(mujoco.mj_stateSize(built.model, _STATE))
        mujoco.mj_getState(built.model, self._robot.data, self._rest, _STATE)

    @property
    def objects(self) -> tuple[ObjectState, ...]:
        """Where each object lies, in the scene's order."""
        return self._objects

    def look(self) -> Rendering:
        """Return the picture without the arm."""
        self._restore()
        return self._see(with_arm=False)

    def attempt(self, controller: Controller) -> Attempt:
        """Try one grasp, then put every object back where it lay."""
        self._restore()
        self._robot.place(controller.start)
        steps = tuple(self._servo(controller))
        self._robot.close_fingers()
        is_stopped = self._physics.early_stop and self._is_empty()
        if not is_stopped:
            self._robot.lift()
        attempt = self._outcome(steps, is_stopped)
        self._restore()
        return attempt

    def close(self) -> None:
        """Free the renderer's buffers."""
        self._renderer.close()

    def _place_objects(self) -> None:
        model, data = self._built.model, self._robot.data
        for placed, body in zip(self._scene.objects, self._built.object_bodies, strict=True):
            turn = np.roll(np.array(placed.quaternion_xyzw, dtype=float), 1)
            centre_m = np.zeros(3)
            mujoco.mju_rotVecQuat(centre_m, model.body_ipos[body], turn)
            first = model.jnt_qposadr[model.body_jntadr[body]]
            # The place is that of the centre of mass, which a file may put off the link's origin.
            data.qpos[first : first + 3] = np.array(placed.position_m) - centre_m
            data.qpos[first + 3 : first + 7] = turn

    def _settle(self) -> None:
        """Simulate until all objects rest, but for a limited time: balls may roll on."""
        model, data = self._built.model, self._robot.data
        dofs = model.body_dofadr[self._built.object_bodies][:, None] + np.arange(6)
        every = max(1, round(self._physics.rate_hz / 12))
        for _ in range(round(SETTLING_S * self._physics.rate_hz / every)):
            self._robot.run(every)
            speed = np.abs(data.qvel[dofs])
            if speed[:, :3].max() < REST_M_S and speed[:, 3:].max() < REST_RAD_S:
                break
        data.qvel[:] = 0.0
        mujoco.mj_forward(model, data)
        self._check()

    def _check(self) -> None:
        if any(self._robot.data.warning[fault].number for fault in _FAULTS):
            raise DataError(
                f"scene {self._scene.scene_id}: the simulation became unstable; raise rate_hz"
            )

    def _restore(self) -> None:
        model, data = self._built.model, self._robot.data
        # The state doesn't say which objects sleep; after a reset none does.
        mujoco.mj_resetData(model, data)
        mujoco.mj_setState(model, data, self._rest, _STATE)
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)

    def _object_states(self) -> Iterator[ObjectState]:
        half_m = np.array(BIN_INNER_M) / 2
        for body in self._built.object_bodies:
            data = self._robot.data
            centre_m, quaternion = data.xipos[body], np.roll(data.xquat[body], -1)
            is_in_bin = bool(
                (np.abs(centre_m[:2] - BIN_CENTRE_M) < half_m).all()
                and centre_m[2] > BIN_FLOOR_M - 0.01
            )
            position_m = _floats(data.xpos[body])
            yield ObjectState(position_m, _floats(quaternion), _floats(centre_m), is_in_bin)

    def _height_to_clear(self) -> float:
        """Height of the finger tips above which nothing is met on the way."""
        model, data = self._built.model, self._robot.data
        geoms = np.flatnonzero(np.isin(model.geom_bodyid, self._built.object_bodies))
        turn = data.geom_xmat[geoms].reshape(-1, 3, 3)[:, 2]
        centre_m, half_m = model.geom_aabb[geoms, :3], model.geom_aabb[geoms, 3:]
        top_m = data.geom_xpos[geoms, 2] + np.sum(turn * centre_m + np.abs(turn) * half_m, axis=1)
        return float(max(BIN_FLOOR_M + WALL_HEIGHT_M, *top_m)) + CLEARANCE_M

    def _servo(self, controller: Controller) -> Iterator[Step]:
        for number in range(controller.num_steps):
            pose = self._robot.pose
            seen = self._see(with_arm=True)
            target = controller.next_pose(number, pose, seen)
            if self._physics.servo == "one_shot":
                # Nothing is met on the way to the place above the grasp: it need not be simulated.
                above_m = min(pose.z_m, max(self._clear_z_m, target.z_m))
                self._robot.place(replace(target, z_m=above_m))
            self._robot.travel(target)
            yield Step(seen, pose, target, self._robot.pose)

    def _see(self, with_arm: bool) -> Rendering:
        pose = self._robot.pose
        if with_arm:
            self._robot.show_arm()
        ideal = distort(self._renderer.render(self._robot.data, with_arm))
        look = self._scene.look or plain_look(len(self._scene.objects))
        # One picture's noise depends on what it shows, not on how many were taken before.
        taken = np.array([with_arm, pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad]).tobytes()
        rng = noise_rng(self._scene, zlib.crc32(taken))
        return replace(ideal, rgb=sense(ideal.rgb, look, ideal.camera, rng))

    def _touched(self) -> set[int]:
        """Return the indices of the objects that a finger touches."""
        model, data = self._built.model, self._robot.data
        pairs = data.contact.geom
        is_finger = np.isin(pairs, self._built.finger_geoms)
        bodies = model.geom_bodyid[pairs[:, ::-1][is_finger]]
        known = {int(body): i for i, body in enumerate(self._built.object_bodies)}
        return {known[int(body)] for body in bodies if int(body) in known}

    def _is_empty(self) -> bool:
        return self._robot.finger_gap_m < EMPTY_GAP_M and not self._touched()

    def _outcome(self, steps: tuple[Step, ...], is_stopped: bool) -> Attempt:
        self._check()
        now_m = self._robot.data.xipos[self._built.object_bodies, 2]
        rises_m = now_m - np.array([state.centre_m[2] for state in self._objects])
        held = [i for i in self._touched() if rises_m[i] >= SUCCESS_HEIGHT_M]
        return Attempt(
            steps=steps,
            is_success=bool(held),
            lifted_object=max(held, key=lambda i: rises_m[i]) if held else None,
            lift_height_m=float(max(0.0, rises_m.max())),
            finger_gap_m=self._robot.finger_gap_m,
            is_stopped_early=is_stopped,
        )


def _floats(values: FloatArray) -> Any:
    return tuple(float(value) for value in values)
