"""The gripper goes where it is told, at its pace, and its fingers open and close."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pybullet
import pytest

from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import GRIP_FORCE_N
from tasks.grasping.worlds.bullet.arm import Robot, read_robot
from tasks.grasping.worlds.bullet.gripper import Axis, Gripper, folded_rad

STEP_S = 1 / 240
OPENING_M = 0.08
ALL: tuple[Axis, ...] = ("x", "y", "z", "yaw")


@pytest.fixture(scope="module")
def robot() -> Robot:
    return read_robot()


@pytest.fixture
def client() -> Iterator[int]:
    found = pybullet.connect(pybullet.DIRECT)
    pybullet.setTimeStep(STEP_S, physicsClientId=found)
    yield found
    pybullet.disconnect(found)


def as_tuple(pose: GripperPose) -> tuple[float, ...]:
    return (pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad)


@pytest.mark.parametrize(("yaw_rad", "folded"), [(0.3, 0.3), (2.0, 2.0 - np.pi), (-2.0, np.pi - 2)])
def test_a_grasp_looks_the_same_after_half_a_turn(yaw_rad: float, folded: float) -> None:
    assert folded_rad(yaw_rad) == pytest.approx(folded)
    assert folded_rad(yaw_rad + np.pi) == pytest.approx(folded)


@pytest.mark.parametrize("axes", [ALL, ("z",)])
def test_it_stands_where_it_was_placed_and_open(client: int, robot: Robot, axes) -> None:
    gripper = Gripper(client, robot, OPENING_M, axes)
    pose = GripperPose(0.55, -0.06, 0.2, 0.4)
    gripper.place(pose, STEP_S)
    assert as_tuple(gripper.pose()) == pytest.approx(as_tuple(pose))
    assert gripper.gap_m() == pytest.approx(OPENING_M, abs=1e-4)
    assert gripper.angle_rad() == pytest.approx(gripper.open_rad)


def test_it_follows_a_path_along_its_axes(client: int, robot: Robot) -> None:
    gripper = Gripper(client, robot, OPENING_M, ALL)
    start, goal = GripperPose(0.5, 0.0, 0.3, 0.0), GripperPose(0.6, 0.05, 0.25, 0.5)
    gripper.place(start, STEP_S)
    num_steps = 120
    way = [
        GripperPose(*((1 - t) * np.array(as_tuple(start)) + t * np.array(as_tuple(goal))).tolist())
        for t in np.linspace(0, 1, num_steps + 1)
    ]
    for now, after in pairwise(way):
        gripper.move(now, after, STEP_S)
        pybullet.stepSimulation(physicsClientId=client)
    assert as_tuple(gripper.pose()) == pytest.approx(as_tuple(goal), abs=3e-3)


def test_fingers_close_until_their_tips_meet(client: int, robot: Robot) -> None:
    gripper = Gripper(client, robot, OPENING_M, ALL)
    gripper.place(GripperPose(0.5, 0.0, 0.3, 0.0), STEP_S)
    gaps_m = []
    angles = np.linspace(gripper.open_rad, gripper.closed_rad, 61)
    for now, after in pairwise(angles):
        gripper.squeeze(float(now), float(after), STEP_S)
        pybullet.stepSimulation(physicsClientId=client)
        gaps_m.append(gripper.gap_m())
    assert gaps_m[0] > 0.07
    assert gaps_m[-1] < 0.004
    assert (np.diff(gaps_m) < 1e-4).all(), "all the way"


def pushed(client: int, gripper: Gripper, forces_n: tuple[float, float], num_steps: int) -> float:
    """The gap after forces on the tips along x, left and right, in the frame of the gripper."""
    for _ in range(num_steps):
        for link, force_n in zip(gripper.finger_links[1::2], forces_n, strict=True):
            middle_m = pybullet.getLinkState(gripper.body, link, physicsClientId=client)[0]
            pybullet.applyExternalForce(
                gripper.body, link, [force_n, 0, 0], middle_m, pybullet.WORLD_FRAME, client
            )
        pybullet.stepSimulation(physicsClientId=client)
    return gripper.gap_m()


def test_open_fingers_stand_at_their_stops(client: int, robot: Robot) -> None:
    gripper = Gripper(client, robot, OPENING_M, ("z",))
    gripper.place(GripperPose(0.5, 0.0, 0.3, 0.0), STEP_S)
    # As hard as the arm presses, though a wedge between them would pass on less.
    assert pushed(client, gripper, (60.0, -60.0), 60) == pytest.approx(OPENING_M, abs=1e-3)


def test_no_finger_passes_the_middle(client: int, robot: Robot) -> None:
    """Else one that opens beyond its stop would hide behind one that closes beyond its own."""
    gripper = Gripper(client, robot, OPENING_M, ("z",))
    gripper.place(GripperPose(0.5, 0.0, 0.3, 0.0), STEP_S)
    gripper.squeeze(gripper.closed_rad, gripper.closed_rad, STEP_S)
    one_sided = pushed(client, gripper, (3 * GRIP_FORCE_N, 3 * GRIP_FORCE_N), 60)
    assert one_sided == pytest.approx(OPENING_M / 2, abs=2e-3)


def test_friction_is_of_the_fingers_alone(client: int, robot: Robot) -> None:
    gripper = Gripper(client, robot, OPENING_M, ALL)
    before = {
        link: pybullet.getDynamicsInfo(gripper.body, link, physicsClientId=client)[1]
        for link in gripper.solid_links
    }
    gripper.set_friction(1.7)
    for link in gripper.solid_links:
        found = pybullet.getDynamicsInfo(gripper.body, link, physicsClientId=client)[1]
        assert found == pytest.approx(1.7 if link in gripper.finger_links else before[link])


def test_parked_it_is_far_from_the_bin(client: int, robot: Robot) -> None:
    gripper = Gripper(client, robot, OPENING_M, ALL)
    gripper.park(STEP_S)
    assert gripper.pose().z_m == pytest.approx(1.0)
