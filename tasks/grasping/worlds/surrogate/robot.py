"""The surrogate's gripper: its shape, its drives, and the arm that is shown with it.

The gripper moves freely in x, y, z and yaw, as if on a stiff arm; its fingers slide, geared
together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import FloatArray, GripperPose, SemanticClass
from tasks.grasping.workspace import GRIP_FORCE_N, LIFT_HEIGHT_M
from tasks.grasping.worlds.surrogate.arm import (
    FINGER_HALF_M,
    LINKS,
    MOVING_LINKS,
    PALM_CENTRE_M,
    PALM_HALF_M,
    arm_surfaces,
    link_poses,
)
from tasks.grasping.worlds.surrogate.builder import ARM, HIDDEN, Builder
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import Surface

TRAVEL_M_S: Final = 0.5
TURN_RAD_S: Final = 4.0
ARRIVAL_S: Final = 0.06  # for the drives to catch up with the last command
CLOSING_S: Final = 0.30
LIFT_M_S: Final = 0.6
PRESS_FORCE_N: Final = 60.0  # with which the gripper presses down on what is in its way
PAD_GRIP: Final = 1.5
"""The pads' friction relative to the scene's value: soft rubber follows what it holds."""

_GRIPPER_MASS_KG: Final = 1.6
_STIFFNESS_RAD_S: Final = 90.0  # natural frequency of the gripper's drives


def add_robot(builder: Builder, physics: PhysicsConfig, finger_friction: float) -> None:
    """Add gripper, drives and arm to the scene that is being built."""
    spec, look = builder.spec, builder.look.arm
    surfaces, world = _arm(), spec.worldbody
    for index, link in enumerate(LINKS[: LINKS.index("palm")]):
        parent = world.add_body(name=link, mocap=True) if link in MOVING_LINKS else world
        builder.see(
            parent,
            f"arm_{link}",
            surfaces[link],
            look,
            (SemanticClass.ARM, 0, 1 + index),
            group=ARM,
        )
    gripper = world.add_body(name="gripper", gravcomp=1.0)
    for name, axis in (("x", [1, 0, 0]), ("y", [0, 1, 0]), ("z", [0, 0, 1])):
        gripper.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis)
    gripper.add_joint(name="yaw", type=mujoco.mjtJoint.mjJNT_HINGE, axis=[0, 0, 1])
    gripper.mass, gripper.explicitinertial = _GRIPPER_MASS_KG, True
    gripper.inertia = [0.004, 0.004, 0.004]
    gripper.ipos = [0.0, 0.0, PALM_CENTRE_M]
    palm = [0.0, 0.0, PALM_CENTRE_M]
    meaning = (SemanticClass.GRIPPER, 0, 1 + LINKS.index("palm"))
    builder.see(gripper, "arm_palm", surfaces["palm"], look, meaning, group=ARM, pos=palm)
    _grip(gripper, "palm_hit", PALM_HALF_M, palm, finger_friction)
    for name, side in (("finger_a", 1.0), ("finger_b", -1.0)):
        _add_finger(builder, gripper, name, side, physics, finger_friction)
    _add_drives(spec, physics)


def _add_finger(
    builder: Builder, gripper: Any, name: str, side: float, physics: PhysicsConfig, friction: float
) -> None:
    at_m = [side * FINGER_HALF_M[0], 0.0, FINGER_HALF_M[2]]
    finger = gripper.add_body(name=name, gravcomp=1.0)
    finger.mass, finger.explicitinertial = 0.08, True
    finger.inertia, finger.ipos = [5e-5, 5e-5, 2e-5], at_m
    finger.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[side, 0, 0],
        limited=True,
        range=[0.0, physics.opening_m / 2],
        # As stiff as the time step can follow: a stop that gives is no stop.
        solref_limit=[2.0 / physics.rate_hz, 1.0],
        solimp_limit=[0.99, 0.999, 0.001, 0.5, 2.0],
        damping=2.0,
        armature=0.1,
    )
    meaning = (SemanticClass.GRIPPER, 0, 1 + LINKS.index(name))
    surface = _arm()[name]
    builder.see(finger, f"arm_{name}", surface, builder.look.arm, meaning, group=ARM, pos=at_m)
    _grip(finger, f"{name}_hit", FINGER_HALF_M, at_m, friction)


def _grip(parent: Any, name: str, half_m: FloatArray, at_m: list[float], friction: float) -> None:
    parent.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=half_m,
        pos=at_m,
        group=HIDDEN,
        contype=1,
        conaffinity=0,
        condim=4,
        friction=[PAD_GRIP * friction, 0.03, 0.0001],
    )


def _add_drives(spec: Any, physics: PhysicsConfig) -> None:
    # Critically damped, and never stiffer than the time step can follow.
    omega = min(_STIFFNESS_RAD_S, 0.8 * physics.rate_hz)
    total_kg = _GRIPPER_MASS_KG + 0.16
    for name, inertia, limit in (
        ("x", total_kg, 200.0),
        ("y", total_kg, 200.0),
        ("z", total_kg, PRESS_FORCE_N),
        ("yaw", 0.0045, 5.0),
    ):
        _drive(spec, name, inertia * omega**2, 2 * inertia * omega, limit)
    for name in ("finger_a", "finger_b"):
        _drive(spec, name, 2000.0, 40.0, GRIP_FORCE_N)
    # The fingers are geared together, as a real parallel gripper's are.
    coupling = spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, name1="finger_a", name2="finger_b")
    coupling.data[:5] = [0.0, 1.0, 0.0, 0.0, 0.0]


def _drive(spec: Any, joint: str, stiffness: float, damping: float, limit: float) -> None:
    drive = spec.add_actuator(
        name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT, forcelimited=True
    )
    drive.forcerange = [-limit, limit]
    drive.set_to_position(kp=stiffness, kv=damping)


@lru_cache(maxsize=1)
def _arm() -> dict[str, Surface]:
    return arm_surfaces()


class Robot:
    """The gripper's drives and the arm that is shown with it."""

    def __init__(self, model: Any, physics: PhysicsConfig) -> None:
        self._model, self._physics = model, physics
        self.data = mujoco.MjData(model)
        self._joints = self._addresses(("x", "y", "z", "yaw"))
        self._fingers = self._addresses(("finger_a", "finger_b"))
        self._mocap = {
            name: int(model.body(name).mocapid[0])
            for name in ("upper_arm", "elbow", "forearm", "wrist")
        }

    @property
    def pose(self) -> GripperPose:
        """Where the gripper is, as measured."""
        x_m, y_m, z_m, yaw = (float(value) for value in self.data.qpos[self._joints])
        return GripperPose(x_m, y_m, z_m, _half_turn(yaw))

    @property
    def finger_gap_m(self) -> float:
        """Distance between the finger tips; stops give by less than a micrometre."""
        return max(0.0, float(self.data.qpos[self._fingers].sum()))

    def place(self, pose: GripperPose) -> None:
        """Put the open gripper somewhere without simulating the way."""
        self.data.qvel[self._joints] = self.data.qvel[self._fingers] = 0.0
        self.data.qpos[self._joints] = pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad
        self.data.qpos[self._fingers] = self._physics.opening_m / 2
        self.data.ctrl[:4] = self.data.qpos[self._joints]
        self.data.ctrl[4:] = self._physics.opening_m / 2
        mujoco.mj_kinematics(self._model, self.data)

    def travel(self, target: GripperPose, speed_m_s: float = TRAVEL_M_S) -> None:
        """Move along a straight line; a turn takes its shorter way, as both ends look alike."""
        start = self.data.ctrl[:4].copy()
        turn = _half_turn(target.yaw_rad - start[3])
        way = np.array([target.x_m, target.y_m, target.z_m, start[3] + turn]) - start
        duration_s = max(float(np.linalg.norm(way[:3])) / speed_m_s, abs(turn) / TURN_RAD_S)
        num_steps = max(1, round(duration_s * self._physics.rate_hz))
        for number in range(1, num_steps + 1):
            self.data.ctrl[:4] = start + way * (number / num_steps)
            mujoco.mj_step(self._model, self.data)
        self.run(round(ARRIVAL_S * self._physics.rate_hz))

    def close_fingers(self) -> None:
        """Close the fingers until they meet, or something between them stops them."""
        self.data.ctrl[4:] = 0.0
        self.run(round(CLOSING_S * self._physics.rate_hz))

    def lift(self) -> None:
        """Rise with whatever is held."""
        x_m, y_m, z_m, yaw = self.data.ctrl[:4]
        self.travel(GripperPose(x_m, y_m, z_m + LIFT_HEIGHT_M, yaw), LIFT_M_S)

    def run(self, num_steps: int) -> None:
        """Simulate while the drives hold their targets."""
        mujoco.mj_step(self._model, self.data, nstep=num_steps)

    def show_arm(self) -> None:
        """Let the arm reach to where the gripper is."""
        pose = self.pose
        poses = link_poses(np.array([pose.x_m, pose.y_m, pose.z_m]), pose.yaw_rad)
        for name, (position_m, quaternion) in poses.items():
            self.data.mocap_pos[self._mocap[name]] = position_m
            self.data.mocap_quat[self._mocap[name]] = quaternion
        mujoco.mj_kinematics(self._model, self.data)

    def _addresses(self, names: tuple[str, ...]) -> Any:
        return np.array([self._model.joint(name).qposadr[0] for name in names])


def _half_turn(angle_rad: float) -> float:
    """Wrap an angle into [-pi/2, pi/2)."""
    return (angle_rad + np.pi / 2) % np.pi - np.pi / 2
