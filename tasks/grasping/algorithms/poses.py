"""Poses of the gripper over the bin: drawing them, keeping them inside, moving between them."""

from __future__ import annotations

import numpy as np

from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import (
    BIN_CENTRE_M,
    BIN_FLOOR_M,
    GRASP_AREA_M,
    GRASP_HEIGHT_M,
    HOVER_HEIGHT_M,
)

_LOW_M = tuple(centre - side / 2 for centre, side in zip(BIN_CENTRE_M, GRASP_AREA_M, strict=True))
_HIGH_M = tuple(centre + side / 2 for centre, side in zip(BIN_CENTRE_M, GRASP_AREA_M, strict=True))


def draw_hover(rng: np.random.Generator) -> GripperPose:
    """Draw where an attempt starts: above the grasp area, any yaw. Takes four draws."""
    return _draw(rng, HOVER_HEIGHT_M)


def draw_grasp(rng: np.random.Generator) -> GripperPose:
    """Draw a grasp uniformly over area, height and yaw. Takes four draws."""
    return _draw(rng, GRASP_HEIGHT_M)


def is_in_grasp_area(x_m: float, y_m: float) -> bool:
    """Whether a point of the base frame lies over the area in which grasps are centred."""
    return _LOW_M[0] <= x_m <= _HIGH_M[0] and _LOW_M[1] <= y_m <= _HIGH_M[1]


def wrapped_yaw(yaw_rad: float) -> float:
    """Return the same grasp's yaw in [-pi/2, pi/2)."""
    wrapped = (yaw_rad + np.pi / 2) % np.pi - np.pi / 2
    return float(-np.pi / 2 if wrapped >= np.pi / 2 else wrapped)


def kept_inside(x_m: float, y_m: float, z_m: float, yaw_rad: float) -> GripperPose:
    """Return the nearest pose over the grasp area, no lower than grasps and no higher than hovers.

    Args:
        x_m: TCP, x.
        y_m: TCP, y.
        z_m: TCP, z.
        yaw_rad: Any angle.
    """
    return GripperPose(
        x_m=float(np.clip(x_m, _LOW_M[0], _HIGH_M[0])),
        y_m=float(np.clip(y_m, _LOW_M[1], _HIGH_M[1])),
        z_m=float(np.clip(z_m, BIN_FLOOR_M + GRASP_HEIGHT_M[0], BIN_FLOOR_M + HOVER_HEIGHT_M[1])),
        yaw_rad=wrapped_yaw(yaw_rad),
    )


def part_of_the_way(pose: GripperPose, goal: GripperPose, share: float) -> GripperPose:
    """Return the pose at a share of the straight way, turning by the smaller angle.

    Args:
        pose: Where the way begins.
        goal: Where it ends.
        share: In [0, 1].
    """
    turn_rad = wrapped_yaw(goal.yaw_rad - pose.yaw_rad)
    return GripperPose(
        x_m=pose.x_m + share * (goal.x_m - pose.x_m),
        y_m=pose.y_m + share * (goal.y_m - pose.y_m),
        z_m=pose.z_m + share * (goal.z_m - pose.z_m),
        yaw_rad=wrapped_yaw(pose.yaw_rad + share * turn_rad),
    )


def _draw(rng: np.random.Generator, height_m: tuple[float, float]) -> GripperPose:
    x, y, z, yaw = rng.random(4)
    return GripperPose(
        x_m=_between(_LOW_M[0], _HIGH_M[0], x),
        y_m=_between(_LOW_M[1], _HIGH_M[1], y),
        z_m=BIN_FLOOR_M + _between(*height_m, z),
        yaw_rad=wrapped_yaw(_between(-np.pi / 2, np.pi / 2, yaw)),
    )


def _between(low: float, high: float, share: float) -> float:
    return float(low + (high - low) * share)
