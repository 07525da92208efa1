"""The place that all worlds share: bin, gripper and the box in which grasps are tried.

Lengths in metres in the base frame; see `tasks.grasping.types`.
"""

from __future__ import annotations

from typing import Final

BIN_CENTRE_M: Final = (0.60, 0.0)
BIN_FLOOR_M: Final = -0.19  # z of the inner floor
BIN_INNER_M: Final = (0.40, 0.40)  # free length along x and y at the floor
MAX_OBJECTS: Final = 20  # in one scene
GRASP_AREA_M: Final = (0.24, 0.24)  # grasps are centred inside this part of the floor
GRASP_HEIGHT_M: Final = (0.003, 0.03)  # of the TCP above the floor
HOVER_HEIGHT_M: Final = (0.18, 0.28)  # of the TCP above the floor, where an attempt starts
LIFT_HEIGHT_M: Final = 0.12  # how far the gripper rises
SUCCESS_HEIGHT_M: Final = 0.08  # least rise of an object that counts as lifted
GRIP_FORCE_N: Final = 10.0  # with which each finger closes, at its tip: as of pybullet_envs' Kuka
OPENING_SLACK_M: Final = 0.002  # by which end stops may give: no gap exceeds the opening by more
