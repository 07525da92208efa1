"""Shape of the surrogate's robot: a gripper that moves freely, and an arm that follows it.

Only the gripper takes part in the physics. The arm is there to be seen, as a real camera sees
one: two links between a shoulder over the base frame's origin and the gripper's wrist.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tasks.grasping.types import FloatArray
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import Surface, ball, box, joined, tube

# Links in the order of their indices; see `Rendering.part_ids`.
LINKS: Final = (
    "foot", "shoulder", "upper_arm", "elbow", "forearm", "wrist", "palm", "finger_a", "finger_b",
)  # fmt: skip
MOVING_LINKS: Final = ("upper_arm", "elbow", "forearm", "wrist")

SHOULDER_M: Final = np.array([0.0, 0.0, 0.34])
UPPER_ARM_M: Final = 0.46
FOREARM_M: Final = 0.46
WRIST_ABOVE_TCP_M: Final = 0.19
TABLE_M: Final = -0.205  # z of the table's top, on which the foot stands

# Half sizes; the fingers close along x, z = 0 is their tips.
FINGER_HALF_M: Final = np.array([0.004, 0.014, 0.040])
PALM_HALF_M: Final = np.array([0.055, 0.028, 0.020])
PALM_CENTRE_M: Final = 2 * FINGER_HALF_M[2] + PALM_HALF_M[2]


def arm_surfaces() -> dict[str, Surface]:
    """Return each link's surface, the fixed ones in the base frame, the others in their own."""
    shoulder = [tube(0.08, 0.16, float(SHOULDER_M[2])), ball(0.10).moved(SHOULDER_M)]
    flange = tube(0.042, PALM_CENTRE_M + PALM_HALF_M[2] - WRIST_ABOVE_TCP_M, 0.0)
    return {
        "foot": tube(0.11, TABLE_M, 0.16),
        "shoulder": joined(shoulder),
        "upper_arm": tube(0.065, 0.0, UPPER_ARM_M),
        "elbow": ball(0.078),
        "forearm": tube(0.052, 0.0, FOREARM_M),
        "wrist": joined([ball(0.06), flange]),
        "palm": box(PALM_HALF_M),
        "finger_a": box(FINGER_HALF_M),
        "finger_b": box(FINGER_HALF_M),
    }


def link_poses(tcp_m: FloatArray, yaw_rad: float) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Place the moving links so that the arm reaches to the gripper.

    The elbow lies above the line from shoulder to wrist, in the vertical plane through it.

    Args:
        tcp_m: Tool centre point in the base frame, (3,).
        yaw_rad: Turn of the gripper about the vertical.

    Returns:
        Position in the base frame (3,) and quaternion wxyz (4,) of each.
    """
    wrist_m = tcp_m + np.array([0.0, 0.0, WRIST_ABOVE_TCP_M])
    along_m = wrist_m - SHOULDER_M
    # A wrist beyond the arm's reach is met by links that don't quite touch.
    distance_m = min(float(np.linalg.norm(along_m)), UPPER_ARM_M + FOREARM_M - 1e-3)
    along = along_m / np.linalg.norm(along_m)
    upward = np.array([0.0, 0.0, 1.0]) - along[2] * along
    upward /= np.linalg.norm(upward)
    foot_m = (distance_m**2 + UPPER_ARM_M**2 - FOREARM_M**2) / (2 * distance_m)
    elbow_m = SHOULDER_M + foot_m * along + np.sqrt(UPPER_ARM_M**2 - foot_m**2) * upward
    turned = np.array([np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)])
    return {
        "upper_arm": (SHOULDER_M, _towards(elbow_m - SHOULDER_M)),
        "elbow": (elbow_m, np.array([1.0, 0.0, 0.0, 0.0])),
        "forearm": (elbow_m, _towards(wrist_m - elbow_m)),
        "wrist": (wrist_m, turned),
    }


def _towards(direction: FloatArray) -> FloatArray:
    quaternion = np.zeros(4)
    mujoco.mju_quatZ2Vec(quaternion, direction)
    return quaternion
