"""The arm's model: where the fingers close, and the joints that put them there."""

from __future__ import annotations

import numpy as np
import pybullet
import pybullet_data
import pytest

from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, GRASP_AREA_M, HOVER_HEIGHT_M
from tasks.grasping.worlds.bullet.arm import Robot, base_from_gripper, read_robot

_FINGERS = (8, 11)
_TIPS = (10, 13)


@pytest.fixture(scope="module")
def robot() -> Robot:
    return read_robot()


def poses(num: int) -> list[GripperPose]:
    rng = np.random.default_rng(0)
    low = (*(np.array(BIN_CENTRE_M) - np.array(GRASP_AREA_M) / 2), BIN_FLOOR_M, -np.pi / 2)
    high = np.array(BIN_CENTRE_M) + np.array(GRASP_AREA_M) / 2
    top = BIN_FLOOR_M + HOVER_HEIGHT_M[1]
    return [GripperPose(*rng.uniform(low, (*high, top, np.pi / 2)).tolist()) for _ in range(num)]


def test_closed_tips_of_pybullets_own_arm_are_at_the_tcp(robot: Robot) -> None:
    client = pybullet.connect(pybullet.DIRECT)
    path = f"{pybullet_data.getDataPath()}/kuka_iiwa/kuka_with_gripper2.sdf"
    body = pybullet.loadSDF(path, physicsClientId=client)[0]
    try:
        for pose in poses(40):
            angles = dict(enumerate(robot.joints_rad(pose)))
            angles |= {j: f.angle_rad(0.0) for j, f in zip(_FINGERS, robot.fingers, strict=True)}
            for joint, angle in angles.items():
                low, high = pybullet.getJointInfo(body, joint, physicsClientId=client)[8:10]
                assert low < angle < high
                pybullet.resetJointState(body, joint, angle, physicsClientId=client)
            states = [
                pybullet.getLinkState(body, t, True, True, physicsClientId=client) for t in _TIPS
            ]
            # The tips' frames mirror each other, so their middle is above the TCP.
            middle = np.mean([state[4] for state in states], axis=0)
            across = np.array([-np.sin(pose.yaw_rad), np.cos(pose.yaw_rad)])
            offset = robot.fingers[0].hinge_m[1]  # tips are this far beside their frames
            assert middle[:2] - across * offset == pytest.approx([pose.x_m, pose.y_m], abs=1e-3)
    finally:
        pybullet.disconnect(client)


def test_drawn_tips_meet_at_the_tcp(robot: Robot) -> None:
    angle = robot.fingers[0].angle_rad(0.0)
    for pose in poses(20):
        frames = robot.frames(pose, angle)
        ends = []
        for part, frame in zip(robot.parts[9:], frames[9:], strict=True):
            points = part.triangles_m.reshape(-1, 3) @ frame[:3, :3].T + frame[:3, 3]
            ends.append(points[points[:, 2] < points[:, 2].min() + 0.004])
        boxes = [(end.min(0) + end.max(0)) / 2 for end in ends]
        assert np.mean(boxes, axis=0)[:2] == pytest.approx([pose.x_m, pose.y_m], abs=1e-3)
        assert min(end[:, 2].min() for end in ends) == pytest.approx(pose.z_m, abs=1e-3)


def test_frames_put_the_palm_at_the_pose(robot: Robot) -> None:
    for pose in poses(20):
        assert robot.frames(pose, 0.0)[8] == pytest.approx(base_from_gripper(pose), abs=1e-4)


def test_opening_is_the_distance_of_the_tips(robot: Robot) -> None:
    for finger in robot.fingers:
        for reach in (0.0, 0.02, 0.04):
            assert finger.reach_m(finger.angle_rad(reach)) == pytest.approx(reach, abs=1e-6)


def test_refuses_a_pose_out_of_reach(robot: Robot) -> None:
    with pytest.raises(ValueError, match="reach"):
        robot.joints_rad(GripperPose(1.5, 0.0, 0.0, 0.0))
