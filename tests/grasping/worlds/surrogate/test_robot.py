"""The surrogate's gripper alone in the world: where it goes, how fast, and what holds it back."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import GripperPose
from tasks.grasping.workspace import GRIP_FORCE_N, LIFT_HEIGHT_M, OPENING_SLACK_M
from tasks.grasping.worlds.surrogate import robot as parts
from tasks.grasping.worlds.surrogate.builder import Builder
from tasks.grasping.worlds.surrogate.robot import Robot, add_robot
from tests.support.grasping.flat_scenes import plain_look

PHYSICS = PhysicsConfig()
START = GripperPose(0.55, 0.05, 0.1, 0.3)


@pytest.fixture(scope="module")
def model():
    builder = Builder(plain_look(), np.zeros((0, 8, 8, 3), np.uint8))
    builder.spec.option.timestep = 1 / PHYSICS.rate_hz
    add_robot(builder, PHYSICS, finger_friction=1.2)
    return builder.spec.compile()


@pytest.fixture
def robot(model) -> Robot:
    found = Robot(model, PHYSICS)
    found.place(START)
    return found


def as_tuple(pose: GripperPose) -> tuple[float, ...]:
    return (pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad)


def test_it_stands_open_where_it_was_placed(robot: Robot) -> None:
    assert as_tuple(robot.pose) == pytest.approx(as_tuple(START))
    assert robot.finger_gap_m == pytest.approx(PHYSICS.opening_m)
    robot.run(60)
    assert as_tuple(robot.pose) == pytest.approx(as_tuple(START), abs=1e-4), "it does not sink"


def test_it_travels_straight_and_at_its_speed(robot: Robot) -> None:
    begun_s = robot.data.time
    robot.travel(GripperPose(0.65, 0.05, 0.1, 0.3))
    assert as_tuple(robot.pose) == pytest.approx((0.65, 0.05, 0.1, 0.3), abs=1e-3)
    expected_s = 0.1 / parts.TRAVEL_M_S + parts.ARRIVAL_S
    assert robot.data.time - begun_s == pytest.approx(expected_s, abs=2 / PHYSICS.rate_hz)


def test_a_turn_takes_its_shorter_way(robot: Robot) -> None:
    goal = GripperPose(0.55, 0.05, 0.1, 0.3 + 0.9 * np.pi)
    begun_s = robot.data.time
    robot.travel(goal)
    assert robot.pose.yaw_rad == pytest.approx(0.3 - 0.1 * np.pi, abs=5e-3)
    expected_s = 0.1 * np.pi / parts.TURN_RAD_S + parts.ARRIVAL_S
    assert robot.data.time - begun_s == pytest.approx(expected_s, abs=2 / PHYSICS.rate_hz)


def test_fingers_meet_where_nothing_is_between_them(robot: Robot) -> None:
    robot.close_fingers()
    assert robot.finger_gap_m == pytest.approx(0.0, abs=2e-3)
    one, other = (float(robot.data.qpos[address]) for address in robot._fingers)
    assert one == pytest.approx(other, abs=1e-3), "geared together"


def test_a_stop_that_gives_makes_no_gap_below_nothing(robot: Robot) -> None:
    robot.data.qpos[robot._fingers] = -1e-6
    assert robot.finger_gap_m == 0


def test_nothing_pushes_the_fingers_beyond_their_opening(robot: Robot, model) -> None:
    for name, side in (("finger_a", 1.0), ("finger_b", -1.0)):
        robot.data.xfrc_applied[model.body(name).id, 0] = 200.0 * side
    robot.run(60)
    robot.data.xfrc_applied[:] = 0.0
    assert robot.finger_gap_m == pytest.approx(PHYSICS.opening_m, abs=OPENING_SLACK_M)


def test_it_rises_by_the_height_of_a_lift(robot: Robot) -> None:
    robot.lift()
    assert robot.pose.z_m - START.z_m == pytest.approx(LIFT_HEIGHT_M, abs=2e-3)


def test_drives_are_no_stronger_than_they_say(model) -> None:
    limits = {model.actuator(i).name: model.actuator(i).forcerange[1] for i in range(model.nu)}
    assert limits["z"] == parts.PRESS_FORCE_N
    assert limits["finger_a"] == limits["finger_b"] == GRIP_FORCE_N
    pads = [model.geom(f"finger_{side}_hit").friction[0] for side in "ab"]
    assert pads == pytest.approx([parts.PAD_GRIP * 1.2] * 2)


def test_the_arm_reaches_to_the_gripper(robot: Robot, model) -> None:
    robot.travel(GripperPose(0.6, -0.1, 0.2, -0.5))
    robot.show_arm()
    wrist = robot.data.xpos[model.body("wrist").id]
    gripper = robot.data.xpos[model.body("gripper").id]
    assert wrist[:2] == pytest.approx(gripper[:2], abs=1e-6)
    assert wrist[2] > gripper[2]
    assert np.isfinite(robot.data.xpos).all()
