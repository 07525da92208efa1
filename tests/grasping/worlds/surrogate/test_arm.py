from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.grasping.types import FloatArray
from tasks.grasping.worlds.surrogate.arm import (
    FOREARM_M,
    LINKS,
    SHOULDER_M,
    UPPER_ARM_M,
    WRIST_ABOVE_TCP_M,
    arm_surfaces,
    link_poses,
)


def far_end(pose: tuple[FloatArray, FloatArray], length_m: float) -> FloatArray:
    """Where a link that starts at its origin ends along its own z axis."""
    w, x, y, z = pose[1]
    axis = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    return pose[0] + length_m * axis


@settings(deadline=None)
@given(st.floats(0.4, 0.78), st.floats(-0.2, 0.2), st.floats(-0.19, 0.15), st.floats(-1.5, 1.5))
def test_links_meet_at_elbow_and_wrist(x_m: float, y_m: float, z_m: float, yaw: float) -> None:
    poses = link_poses(np.array([x_m, y_m, z_m]), yaw)
    elbow_m, wrist_m = poses["elbow"][0], poses["wrist"][0]
    assert poses["upper_arm"][0] == pytest.approx(SHOULDER_M)
    assert far_end(poses["upper_arm"], UPPER_ARM_M) == pytest.approx(elbow_m, abs=1e-6)
    assert far_end(poses["forearm"], FOREARM_M) == pytest.approx(wrist_m, abs=1e-6)
    assert wrist_m == pytest.approx([x_m, y_m, z_m + WRIST_ABOVE_TCP_M])
    assert elbow_m[2] >= min(SHOULDER_M[2], wrist_m[2])


def test_every_link_has_a_closed_surface() -> None:
    surfaces = arm_surfaces()
    assert tuple(surfaces) == LINKS
    for surface in surfaces.values():
        edges = np.sort(surface.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        _, counts = np.unique(edges, axis=0, return_counts=True)
        assert (counts == 2).all()
