"""A motion is what is left to the closing pose, turns counted as the gripper looks."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.types import GripperPose, motion_command


def test_a_motion_leads_to_the_closing_pose() -> None:
    motion = motion_command(GripperPose(0.5, 0.1, 0.2, 0.0), GripperPose(0.6, -0.1, 0.05, 0.0))
    assert motion == pytest.approx([0.1, -0.2, -0.15, 0.0, 1.0])


@pytest.mark.parametrize(("turn_rad", "sine", "cosine"), [(np.pi / 4, 1, 0), (np.pi / 2, 0, -1)])
def test_a_turn_is_told_by_twice_its_angle(turn_rad: float, sine: float, cosine: float) -> None:
    there = GripperPose(0.0, 0.0, 0.0, 0.3 + turn_rad)
    assert motion_command(GripperPose(0.0, 0.0, 0.0, 0.3), there)[3:] == pytest.approx(
        [sine, cosine], abs=1e-12
    )


def test_half_a_turn_is_none() -> None:
    """Both ends of the gripper look alike."""
    start = GripperPose(0.0, 0.0, 0.0, -0.7)
    whole, none = (motion_command(start, GripperPose(0, 0, 0, -0.7 + t)) for t in (np.pi, 0.0))
    assert whole == pytest.approx(none, abs=1e-12)
