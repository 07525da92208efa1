"""The Kuka iiwa and its gripper: what PyBullet's model of them says, and where their links are.

The arm moves for the pictures alone. Its joints follow from the pose of the gripper in closed
form: a spherical shoulder, a hinge and a spherical wrist, with the elbow held in the vertical
plane through the shoulder and the wrist; the law of cosines gives the hinge (J. Craig,
"Introduction to Robotics", 3rd ed., 2005, section 4.4, the geometric solution).

The model's fingers close 2.2 cm beside the axis of its last link. Here the gripper's frame has
its origin midway between the closed tips, x along which they close, z up.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pybullet
import pybullet_data

from tasks.core.errors import ResourceError
from tasks.grasping.types import FloatArray, GripperPose
from tasks.grasping.worlds.bullet.meshes import box_triangles, read_stl

_MODEL: Final = "kuka_iiwa/kuka_with_gripper2.sdf"
_ARM_LINKS: Final = range(-1, 7)  # link_0 ... link_7
_PALM: Final = 7
_FINGERS: Final = {"left": (8, 9, 10), "right": (11, 12, 13)}  # bar, base and tip
_SHOULDER, _ELBOW, _WRIST, _FLANGE = 1, 3, 5, 6  # links whose frames lie in these joints
_TIP_PAD_M: Final = 0.004  # the part of a tip, from its end, that closes on the other


@dataclass(frozen=True)
class Part:
    """A rigid piece of the robot.

    Attributes:
        name: What it is.
        triangles_m: Its surface in its own frame, corners, (n, 3, 3).
        rgba: Colour.
        is_gripper: Whether it belongs to the gripper, else to the arm.
    """

    name: str
    triangles_m: FloatArray
    rgba: tuple[float, float, float, float]
    is_gripper: bool


@dataclass(frozen=True)
class Finger:
    """A finger in the gripper's frame at joint angle 0; it turns about an axis along y.

    Attributes:
        side: 1 for the finger on the side of positive x, else -1. A positive angle closes the
            former and opens the latter.
        hinge_m: A point of its axis.
        base_m: Corners of its upper half, (n, 3).
        tip_m: Corners of its tip, (n, 3).
    """

    side: int
    hinge_m: FloatArray
    base_m: FloatArray
    tip_m: FloatArray

    def turned(self, angle_rad: float, points_m: FloatArray) -> FloatArray:
        """Where points of the finger, (n, 3), are at a joint angle."""
        return (points_m - self.hinge_m) @ _turn_y(angle_rad).T + self.hinge_m

    def reach_m(self, angle_rad: float) -> float:
        """How far the tip's pad is from the middle; negative beyond it."""
        tip = self.turned(angle_rad, self.tip_m)
        pad = tip[tip[:, 2] < tip[:, 2].min() + _TIP_PAD_M]
        return float(np.min(self.side * pad[:, 0]))

    def angle_rad(self, reach_m: float) -> float:
        """Joint angle at which the tip's pad is so far from the middle."""
        low, high = -0.6, 0.6
        for _ in range(40):
            middle = (low + high) / 2
            is_wide = self.reach_m(self.side * middle) > reach_m
            low, high = (middle, high) if is_wide else (low, middle)
        return self.side * (low + high) / 2


@dataclass(frozen=True, eq=False)
class Robot:
    """Arm and gripper; equal to itself alone, so that what follows from it can be kept.

    Attributes:
        parts: Links of the arm, the palm, the left and the right finger, in this order.
        rest_from_part: Frames of the arm's parts with all joints at 0, (8, 4, 4), base frame.
        axes: Joint axes of the arm at rest, unit vectors, (7, 3), base frame.
        flange_from_gripper: (4, 4).
        fingers: Left and right, as of the model.
    """

    parts: tuple[Part, ...]
    rest_from_part: FloatArray
    axes: FloatArray
    flange_from_gripper: FloatArray
    fingers: tuple[Finger, Finger]

    def joints_rad(self, pose: GripperPose) -> FloatArray:
        """Joint angles of the arm that put the downward gripper there, (7,).

        Raises:
            ValueError: The pose is out of reach.
        """
        flange = base_from_gripper(pose) @ np.linalg.inv(self.flange_from_gripper)
        shoulder, elbow, wrist, end = self.rest_from_part[
            [1 + _SHOULDER, 1 + _ELBOW, 1 + _WRIST, 1 + _FLANGE], :3, 3
        ]
        goal = flange[:3, 3] - flange[:3, 2] * (end - wrist)[2] - shoulder
        upper, fore = (elbow - shoulder)[2], (wrist - elbow)[2]
        distance = float(np.linalg.norm(goal))
        bend = (distance**2 - upper**2 - fore**2) / (2 * upper * fore)
        if not -1 <= bend <= 1:
            raise ValueError(f"expected a pose within the arm's reach, got {pose}")
        hinge = np.arccos(bend)
        turn = np.arctan2(goal[1], goal[0])
        lean = np.arctan2(np.hypot(goal[0], goal[1]), goal[2])
        lean -= np.arctan2(fore * np.sin(hinge), upper + fore * np.cos(hinge))
        wrist_bend = np.pi - lean - hinge
        return np.array([turn, lean, 0, -hinge, 0, wrist_bend, turn - pose.yaw_rad])

    def frames(self, pose: GripperPose, angle_rad: float) -> FloatArray:
        """Where all parts are: base_from_part of each, (11, 4, 4).

        Args:
            pose: Where the gripper is.
            angle_rad: Angle of the left finger; the right one mirrors it.
        """
        frames = np.empty((len(self.parts), 4, 4))
        moved = np.eye(4)
        frames[0] = self.rest_from_part[0]
        for joint, angle in enumerate(self.joints_rad(pose)):
            rest = self.rest_from_part[joint + 1]
            moved = moved @ _about(self.axes[joint], rest[:3, 3], float(angle))
            frames[joint + 1] = moved @ rest
        gripper = frames[7] @ self.flange_from_gripper
        frames[8] = gripper
        for row, finger in zip((9, 10), self.fingers, strict=True):
            turned = finger.side * angle_rad
            frames[row] = gripper @ _about(np.array([0.0, 1.0, 0.0]), finger.hinge_m, turned)
        return frames


def base_from_gripper(pose: GripperPose) -> FloatArray:
    """The gripper's frame at a pose, (4, 4)."""
    frame = np.eye(4)
    frame[:3, :3] = _turn_z(pose.yaw_rad)
    frame[:3, 3] = pose.x_m, pose.y_m, pose.z_m
    return frame


def read_robot() -> Robot:
    """Read PyBullet's model of the arm.

    Raises:
        ResourceError: pybullet_data lacks the model.
    """
    path = Path(pybullet_data.getDataPath(), _MODEL)
    client = pybullet.connect(pybullet.DIRECT)
    try:
        body = pybullet.loadSDF(str(path), physicsClientId=client)[0]
        return _robot_of(client, body)
    except pybullet.error as error:
        raise ResourceError(f"{path}: expected the arm's model; reinstall pybullet") from error
    finally:
        with contextlib.suppress(pybullet.error):
            pybullet.disconnect(client)


def _robot_of(client: int, body: int) -> Robot:
    frames = {-1: np.eye(4)}
    axes = []
    for link in range(pybullet.getNumJoints(body, physicsClientId=client)):
        state = pybullet.getLinkState(body, link, physicsClientId=client)
        frames[link] = _frame(state[4], state[5])
        axis = pybullet.getJointInfo(body, link, physicsClientId=client)[13]
        axes.append(frames[link][:3, :3] @ axis)
    shapes = {v[1]: v for v in pybullet.getVisualShapeData(body, physicsClientId=client)}
    surfaces = {link: _triangles(shapes[link]) for link in shapes}
    rest = np.array([frames[link] for link in _ARM_LINKS])
    flange = frames[_FLANGE]

    # A half turn about y, not x: it keeps the last joint far from its stops at any yaw.
    flange_from_gripper = np.eye(4)
    flange_from_gripper[:3, :3] = np.diag([-1.0, 1.0, -1.0])
    flange_from_gripper[:3, 3] = _closed_tips(flange, frames, surfaces)
    gripper_from_rest = np.linalg.inv(flange @ flange_from_gripper)
    local = {
        link: _moved(gripper_from_rest @ frames[link], surfaces[link])
        for link in (_PALM, *_FINGERS["left"], *_FINGERS["right"])
    }
    fingers = tuple(
        Finger(
            side,
            (gripper_from_rest @ frames[links[0]])[:3, 3],
            local[links[1]].reshape(-1, 3),
            local[links[2]].reshape(-1, 3),
        )
        for side, links in zip((1, -1), _FINGERS.values(), strict=True)
    )
    parts = [
        Part(f"link_{link + 1}", surfaces[link], shapes[link][7], is_gripper=False)
        for link in _ARM_LINKS
    ]
    grey = shapes[_PALM][7]
    parts.append(Part("palm", local[_PALM], grey, is_gripper=True))
    for name, links in _FINGERS.items():
        surface = np.concatenate([local[link] for link in links])
        parts.append(Part(f"{name} finger", surface, grey, is_gripper=True))
    return Robot(
        tuple(parts), rest, np.array(axes[:7]), flange_from_gripper, (fingers[0], fingers[1])
    )


def _closed_tips(
    flange: FloatArray, frames: dict[int, FloatArray], surfaces: dict[int, FloatArray]
) -> FloatArray:
    """Midway between the tips' ends, in the flange's frame, (3,)."""
    flange_from_rest = np.linalg.inv(flange)
    tips = [
        _moved(flange_from_rest @ frames[links[2]], surfaces[links[2]]).reshape(-1, 3)
        for links in _FINGERS.values()
    ]
    ends_z = [tip[:, 2].max() for tip in tips]
    sides_y = [(tip[:, 1].min() + tip[:, 1].max()) / 2 for tip in tips]
    return np.array([0.0, float(np.mean(sides_y)), float(np.mean(ends_z))])


def _triangles(shape: Any) -> FloatArray:
    """Surface of one of PyBullet's visual shapes in its link's frame."""
    _, _, kind, size, path, position, quaternion, *_ = shape
    if kind == pybullet.GEOM_BOX:
        triangles = box_triangles(np.array(size), np.zeros(3))
    else:
        triangles = read_stl(Path(path.decode()).with_suffix(".stl"))
    return _moved(_frame(position, quaternion), triangles)


def _frame(position: Any, quaternion: Any) -> FloatArray:
    frame = np.eye(4)
    frame[:3, :3] = np.reshape(pybullet.getMatrixFromQuaternion(quaternion), (3, 3))
    frame[:3, 3] = position
    return frame


def _moved(frame: FloatArray, triangles: FloatArray) -> FloatArray:
    return np.asarray(triangles @ frame[:3, :3].T + frame[:3, 3])


def _about(axis: FloatArray, point: FloatArray, angle_rad: float) -> FloatArray:
    """Turn about an axis through a point (Rodrigues' formula), (4, 4)."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    frame = np.eye(4)
    frame[:3, :3] += np.sin(angle_rad) * skew + (1 - np.cos(angle_rad)) * (skew @ skew)
    frame[:3, 3] = point - frame[:3, :3] @ point
    return frame


def _turn_y(angle_rad: float) -> FloatArray:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _turn_z(angle_rad: float) -> FloatArray:
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
