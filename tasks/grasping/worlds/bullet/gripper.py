"""The gripper as PyBullet simulates it: two fingers on a carriage.

The arm's links touch nothing in the box where grasps are tried and its motors are far stronger
than what the fingers meet, so a carriage that slides along the axes and turns about z takes its
place; its limits of force stand for the arm's. A motor follows a path in physical time: it aims
at the path's velocity and closes a share ``1 - exp(-step / lag)`` of its error in each step, so
that how the gripper moves does not depend on the length of a step.

The pads touch as soft fingers do: a patch of contact resists turning about its normal (J. Salisbury
and B. Roth, "Kinematic and Force Analysis of Articulated Mechanical Hands", 1983). A hard point
would leave what hangs between two of them free to spin, and which way it goes to rounding. The
fingers move each by its own motor, from one end stop to the other, the opening and the middle;
gearing them together kept the solver from converging.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
import pybullet

from tasks.grasping.types import FloatArray, GripperPose
from tasks.grasping.workspace import GRIP_FORCE_N
from tasks.grasping.worlds.bullet.arm import Finger, Robot
from tasks.grasping.worlds.bullet.meshes import simplify

Axis = Literal["x", "y", "z", "yaw"]

_SLIDES: Final[tuple[Axis, ...]] = ("x", "y", "z")
_VALUES: Final[dict[Axis, Callable[[GripperPose], float]]] = {
    "x": operator.attrgetter("x_m"),
    "y": operator.attrgetter("y_m"),
    "z": operator.attrgetter("z_m"),
    "yaw": operator.attrgetter("yaw_rad"),
}
_MOTOR_LAG_S: Final = 0.02
_PUSH_N: Final = 60.0  # of the carriage, along x, y and z
_TURN_NM: Final = 6.0
_STOP_NM: Final = 200.0  # of the end stops: 1 kN at the tip, far more than the arm can bring about
_STOP_SLACK_RAD: Final = 1e-3  # beyond the commanded travel, lest a stop work against a motor
_SPINNING_M: Final = 0.005  # spinning friction of the pads: two thirds of a patch's radius
_ROLLING_M: Final = 0.002
_CARRIAGE_KG: Final = 0.5
_PALM_KG: Final = 0.5
_FINGER_KG: Final = 0.15
_TIP_KG: Final = 0.05
_FINGER_INERTIA: Final = 2e-3  # kg m2 about the hinge's axis: motor and gear
_HULL_CELL_M: Final = 0.006
REACH_M: Final = 0.10  # nothing of the gripper is farther than this from its axis
_PARKED_M: Final = 1.0


@dataclass(frozen=True)
class _Link:
    """A link of the chain, as `pybullet.createMultiBody` wants it."""

    mass_kg: float
    shape: int
    position_m: tuple[float, float, float]
    centre_m: tuple[float, float, float]
    parent: int
    joint: int
    axis: tuple[float, float, float]


class Gripper:
    """Controls the gripper's body in one client.

    Args:
        client: PyBullet client.
        robot: The model.
        opening_m: Distance between the open tips, beyond which nothing pushes them.
        axes: Along which the carriage moves by force; the others stay as `place` sets them.
    """

    def __init__(self, client: int, robot: Robot, opening_m: float, axes: tuple[Axis, ...]) -> None:
        self._client = client
        self._axes = axes
        left = robot.fingers[0]
        self.open_rad, self.closed_rad = _travel_rad(robot, opening_m)
        self._left = left
        self._torque_nm = GRIP_FORCE_N * float(left.hinge_m[2])
        links = _links(client, robot, axes)
        self.body = _create(client, links)
        self._fingers = (len(axes) + 0, len(axes) + 2)
        self._joints = (*range(len(axes)), *self._fingers)
        self._arms_m = tuple(REACH_M if axis == "yaw" else 1.0 for axis in axes)
        self._finger_m = float(np.linalg.norm(left.tip_m - left.hinge_m, axis=1).max())
        self.finger_links = tuple(range(len(axes), len(axes) + 4))
        self.solid_links = tuple(range(len(axes) - 1, len(links)))
        self._set_dynamics(len(links))
        self._set_stops()

    def set_friction(self, friction: float) -> None:
        """Set the fingers' lateral friction coefficient, and make their pads soft."""
        for link in self.finger_links:
            pybullet.changeDynamics(
                self.body,
                link,
                lateralFriction=friction,
                spinningFriction=_SPINNING_M,
                rollingFriction=_ROLLING_M,
                physicsClientId=self._client,
            )

    def place(self, pose: GripperPose, step_s: float) -> None:
        """Put the open gripper somewhere at once, at rest, its motors holding it there."""
        fixed = [0.0 if axis in self._axes else _VALUES[axis](pose) for axis in _SLIDES]
        yaw = 0.0 if "yaw" in self._axes else pose.yaw_rad
        pybullet.resetBasePositionAndOrientation(
            self.body,
            fixed,
            pybullet.getQuaternionFromEuler([0, 0, yaw]),
            physicsClientId=self._client,
        )
        for joint, axis in enumerate(self._axes):
            pybullet.resetJointState(
                self.body, joint, _VALUES[axis](pose), 0.0, physicsClientId=self._client
            )
        for joint, angle in zip(self._fingers, (self.open_rad, -self.open_rad), strict=True):
            pybullet.resetJointState(self.body, joint, angle, 0.0, physicsClientId=self._client)
        self._placed = pose
        self.move(pose, pose, step_s)
        self.squeeze(self.open_rad, self.open_rad, step_s)

    def park(self, step_s: float) -> None:
        """Put it where it touches nothing."""
        self.place(GripperPose(0.0, 0.0, _PARKED_M, 0.0), step_s)

    def move(self, now: GripperPose, after: GripperPose, step_s: float) -> None:
        """Aim the carriage's motors from one point of its path to the next."""
        for joint, axis in enumerate(self._axes):
            value = _VALUES[axis]
            here, there = value(now), value(after)
            force = _TURN_NM if axis == "yaw" else _PUSH_N
            self._drive(joint, here, (there - here) / step_s, force, step_s)

    def squeeze(self, now_rad: float, after_rad: float, step_s: float) -> None:
        """Aim the fingers' motors; angles of the left finger, the right one mirrors it."""
        velocity = (after_rad - now_rad) / step_s
        for joint, sign in zip(self._fingers, (1, -1), strict=True):
            self._drive(joint, sign * now_rad, sign * velocity, self._torque_nm, step_s)

    def pose(self) -> GripperPose:
        """Where the gripper is."""
        values = {
            axis: pybullet.getJointState(self.body, joint, physicsClientId=self._client)[0]
            for joint, axis in enumerate(self._axes)
        }
        at = self._placed
        return GripperPose(
            values.get("x", at.x_m),
            values.get("y", at.y_m),
            values.get("z", at.z_m),
            folded_rad(values.get("yaw", at.yaw_rad)),
        )

    def joints(self) -> tuple[float, ...]:
        """Positions of the carriage's joints and of both fingers, m or rad."""
        found = pybullet.getJointStates(self.body, self._joints, physicsClientId=self._client)
        return tuple(state[0] for state in found)

    def moved_m(self, before: tuple[float, ...], now: tuple[float, ...]) -> float:
        """How far any point of it may have moved at most, from `joints` to `joints`."""
        *carriage, left, right = (abs(b - a) for a, b in zip(before, now, strict=True))
        slid_m: float = sum(map(operator.mul, carriage, self._arms_m))
        return slid_m + self._finger_m * max(left, right)

    def finger_speed_rad_s(self) -> float:
        """Speed of the faster finger."""
        found = pybullet.getJointStates(self.body, self._fingers, physicsClientId=self._client)
        return float(max(abs(state[1]) for state in found))

    def angle_rad(self) -> float:
        """Mean angle of the fingers, as the left one's."""
        return sum(self._angles_rad()) / 2

    def gap_m(self) -> float:
        """Distance between the tips."""
        return max(0.0, sum(map(self._left.reach_m, self._angles_rad())))

    def _angles_rad(self) -> tuple[float, float]:
        """Angles of both fingers, as the left one's."""
        left, right = (
            pybullet.getJointState(self.body, joint, physicsClientId=self._client)[0]
            for joint in self._fingers
        )
        return float(left), -float(right)

    def _drive(
        self, joint: int, position: float, velocity: float, force: float, step_s: float
    ) -> None:
        pybullet.setJointMotorControl2(
            self.body,
            joint,
            pybullet.POSITION_CONTROL,
            targetPosition=position,
            targetVelocity=velocity,
            force=force,
            positionGain=_gain(step_s),
            velocityGain=1.0,
            physicsClientId=self._client,
        )

    def _set_dynamics(self, num_links: int) -> None:
        for link in range(num_links):
            settings: dict[str, Any] = {"linearDamping": 0, "angularDamping": 0, "jointDamping": 0}
            if link in self._fingers or link not in self.finger_links:
                settings["localInertiaDiagonal"] = [_FINGER_INERTIA] * 3
            pybullet.changeDynamics(self.body, link, physicsClientId=self._client, **settings)

    def _set_stops(self) -> None:
        """Stop the fingers at both ends of their travel, as a gripper's housing does."""
        for joint, sign in zip(self._fingers, (1, -1), strict=True):
            low, high = sorted((sign * self.open_rad, sign * self.closed_rad))
            pybullet.changeDynamics(
                self.body,
                joint,
                jointLowerLimit=low - _STOP_SLACK_RAD,
                jointUpperLimit=high + _STOP_SLACK_RAD,
                jointLimitForce=_STOP_NM,
                physicsClientId=self._client,
            )


def folded_rad(yaw_rad: float) -> float:
    """The same grasp's yaw in [-pi/2, pi/2)."""
    return float((yaw_rad + np.pi / 2) % np.pi - np.pi / 2)


@cache
def _gain(step_s: float) -> float:
    """Share of its error that a motor closes in a step."""
    return float(-np.expm1(-step_s / _MOTOR_LAG_S))


def _links(client: int, robot: Robot, axes: tuple[Axis, ...]) -> list[_Link]:
    """The carriage's slides, of which the last carries the palm, and two links per finger."""
    directions = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}
    links = []
    for row, axis in enumerate(axes):
        joint = pybullet.JOINT_REVOLUTE if axis == "yaw" else pybullet.JOINT_PRISMATIC
        is_last = row == len(axes) - 1
        links.append(
            _Link(
                _PALM_KG if is_last else _CARRIAGE_KG,
                _hull(client, _corners(robot)[0]) if is_last else -1,
                (0.0, 0.0, 0.0),
                (0.0, 0.0, 0.2),
                row,
                joint,
                directions.get(axis, (0.0, 0.0, 1.0)),
            )
        )
    palm = len(axes)
    for number, finger in enumerate(robot.fingers):
        hulls = [_hull(client, corners) for corners in _corners(robot)[1 + 2 * number :][:2]]
        links += _finger_links(hulls, finger, palm, len(links))
    return links


def _finger_links(hulls: list[int], finger: Finger, palm: int, first: int) -> list[_Link]:
    hinge = tuple(float(v) for v in finger.hinge_m)
    base, tip = finger.base_m - finger.hinge_m, finger.tip_m - finger.hinge_m
    return [
        _Link(
            _FINGER_KG,
            hulls[0],
            (hinge[0], hinge[1], hinge[2]),
            _middle(base),
            palm,
            pybullet.JOINT_REVOLUTE,
            (0.0, 1.0, 0.0),
        ),
        _Link(
            _TIP_KG,
            hulls[1],
            (0.0, 0.0, 0.0),
            _middle(tip),
            first + 1,
            pybullet.JOINT_FIXED,
            (0.0, 0.0, 1.0),
        ),
    ]


def _hull(client: int, corners: list[list[float]]) -> int:
    """A convex shape around corners."""
    return int(
        pybullet.createCollisionShape(pybullet.GEOM_MESH, vertices=corners, physicsClientId=client)
    )


@cache
def _corners(robot: Robot) -> tuple[list[list[float]], ...]:
    """Of palm, left base and tip, right base and tip; few, for the collision test's time."""
    solids = [robot.parts[8].triangles_m.reshape(-1, 3)]
    for finger in robot.fingers:
        solids += [finger.base_m - finger.hinge_m, finger.tip_m - finger.hinge_m]
    triangles = [solid[: len(solid) // 3 * 3].reshape(-1, 3, 3) for solid in solids]
    return tuple(simplify(each, _HULL_CELL_M).vertices_m.tolist() for each in triangles)


@cache
def _travel_rad(robot: Robot, opening_m: float) -> tuple[float, float]:
    """Angles of the left finger, open and closed."""
    left = robot.fingers[0]
    return left.angle_rad(opening_m / 2), left.angle_rad(0.0)


def _middle(points_m: FloatArray) -> tuple[float, float, float]:
    x, y, z = (points_m.min(0) + points_m.max(0)) / 2
    return float(x), float(y), float(z)


def add_nothing_to_see(client: int) -> int:
    """A visual shape that no camera sees; without one PyBullet draws the collision shape."""
    return int(
        pybullet.createVisualShape(
            pybullet.GEOM_BOX,
            halfExtents=[1e-6] * 3,
            visualFramePosition=[0, 0, -100],
            physicsClientId=client,
        )
    )


def _create(client: int, links: list[_Link]) -> int:
    return int(
        pybullet.createMultiBody(
            baseMass=0,
            basePosition=[0, 0, 0],
            linkMasses=[link.mass_kg for link in links],
            linkCollisionShapeIndices=[link.shape for link in links],
            linkVisualShapeIndices=[add_nothing_to_see(client)] * len(links),
            linkPositions=[link.position_m for link in links],
            linkOrientations=[(0, 0, 0, 1)] * len(links),
            linkInertialFramePositions=[link.centre_m for link in links],
            linkInertialFrameOrientations=[(0, 0, 0, 1)] * len(links),
            linkParentIndices=[link.parent for link in links],
            linkJointTypes=[link.joint for link in links],
            linkJointAxis=[link.axis for link in links],
            physicsClientId=client,
        )
    )
