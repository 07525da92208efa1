"""What nothing comes near stays where it is; what is released moves, with all that leans on it."""

from __future__ import annotations

from collections.abc import Iterator

import pybullet
import pytest

from tasks.grasping.types import GripperPose
from tasks.grasping.worlds.bullet.arm import Robot, read_robot
from tasks.grasping.worlds.bullet.bin import (
    forget_contacts,
    send_to_sleep,
    set_engine,
    start_engine,
)
from tasks.grasping.worlds.bullet.gripper import Gripper
from tasks.grasping.worlds.bullet.stillness import StillObjects

EDGE_M = 0.04
STEP_S = 1 / 240
FLOOR = 0  # the first body
ABOVE_M = 0.035  # beside the cubes' middle: one finger comes down on them, the other beside


@pytest.fixture(scope="module")
def robot() -> Robot:
    return read_robot()


@pytest.fixture
def client() -> Iterator[int]:
    found = pybullet.connect(pybullet.DIRECT)
    start_engine(found)
    set_engine(found, 240, 150, 1e-5)
    plane = pybullet.createCollisionShape(pybullet.GEOM_PLANE, physicsClientId=found)
    pybullet.createMultiBody(0, plane, useMaximalCoordinates=True, physicsClientId=found)
    yield found
    pybullet.disconnect(found)


def cube(client: int, x_m: float, z_m: float) -> int:
    shape = pybullet.createCollisionShape(
        pybullet.GEOM_BOX, halfExtents=[EDGE_M / 2] * 3, physicsClientId=client
    )
    at_m = [x_m, 0, z_m]
    return pybullet.createMultiBody(
        0.1, shape, -1, at_m, useMaximalCoordinates=True, physicsClientId=client
    )


def place_m(client: int, body: int) -> tuple[float, float, float]:
    return pybullet.getBasePositionAndOrientation(body, physicsClientId=client)[0]


def run(client: int, still: StillObjects, num_steps: int, pushed: int | None = None) -> None:
    """Let steps pass, something moving on along x as if it were pushed."""
    for _ in range(num_steps):
        if pushed is not None:
            pybullet.resetBaseVelocity(pushed, [0.3, 0, 0], [0, 0, 0], physicsClientId=client)
        still.release()
        pybullet.stepSimulation(physicsClientId=client)


@pytest.fixture
def cubes(client: int) -> tuple[int, int, int]:
    """Two on top of each other and one apart, at rest."""
    bodies = (cube(client, 0, 0.02), cube(client, 0, 0.06), cube(client, 0.2, 0.02))
    for _ in range(60):
        pybullet.stepSimulation(physicsClientId=client)
    return bodies


@pytest.fixture
def gripper(client: int, robot: Robot, cubes) -> Gripper:
    found = Gripper(client, robot, 0.08, ("z",))
    found.park(STEP_S)
    return found


@pytest.fixture
def still(client: int, cubes, gripper: Gripper) -> StillObjects:
    found = StillObjects(client, cubes, gripper, STEP_S)
    forget_contacts(client, [(body, -1) for body in cubes])
    found.hold()
    send_to_sleep(client, (FLOOR, *cubes))
    return found


def put(client: int, gripper: Gripper, still: StillObjects, over_m: float) -> None:
    """Put the gripper over the upper cube, so far that a finger is from it."""
    height_m = 0.1
    for _ in range(2):
        gripper.place(GripperPose(ABOVE_M, 0.0, height_m, 0.0), STEP_S)
        points = pybullet.getClosestPoints(gripper.body, 2, 0.1, physicsClientId=client)
        height_m += over_m - min(point[8] for point in points)
    still.measure_anew()


def test_what_nothing_comes_near_stays_to_the_last_bit(client: int, cubes, still) -> None:
    before = [place_m(client, body) for body in cubes]
    run(client, still, 30)
    assert [place_m(client, body) for body in cubes] == before
    assert still.held == set(cubes)


def test_the_gripper_releases_before_it_touches(client: int, cubes, gripper, still) -> None:
    put(client, gripper, still, 0.005)
    still.release()
    assert still.held == set(cubes)
    put(client, gripper, still, 0.002)
    still.release()
    assert still.held == {cubes[2]}, "the lower one bears the upper one"


def test_on_its_way_it_never_touches_what_is_held(client: int, cubes, gripper, still) -> None:
    start_m, step_m = 0.2, 0.0023  # as fast as its paths are
    gripper.place(GripperPose(ABOVE_M, 0.0, start_m, 0.0), STEP_S)
    still.measure_anew()
    first, others = None, 0
    for number in range(60):
        now, after = (
            GripperPose(ABOVE_M, 0.0, start_m - step_m * k, 0.0) for k in (number, number + 1)
        )
        gripper.move(now, after, STEP_S)
        still.release()
        pybullet.stepSimulation(physicsClientId=client)
        points = pybullet.getContactPoints(gripper.body, cubes[1], physicsClientId=client)
        if any(point[8] <= 0 for point in points):
            first = number if first is None else first
            assert cubes[1] not in still.held
        others += cubes[2] in still.held
    assert first is not None
    assert others == 60


def test_what_a_released_one_hits_is_released(client: int, cubes, gripper, still) -> None:
    lower, _, apart = cubes
    put(client, gripper, still, 0.002)
    still.release()
    gripper.park(STEP_S)
    still.measure_anew()
    assert apart in still.held
    awake = pybullet.ACTIVATION_STATE_WAKE_UP  # what the gripper sees to where it stays near
    pybullet.changeDynamics(lower, -1, activationState=awake, physicsClientId=client)
    run(client, still, 150, lower)
    assert apart not in still.held
    assert place_m(client, apart)[0] > 0.202


def test_released_it_weighs_what_it_weighed(client: int, cubes, gripper) -> None:
    before = [pybullet.getDynamicsInfo(body, -1, client)[:3] for body in cubes]
    still = StillObjects(client, cubes, gripper, STEP_S)
    still.hold()
    assert [pybullet.getDynamicsInfo(body, -1, client)[0] for body in cubes] == [0, 0, 0]
    still.release_all()
    assert [pybullet.getDynamicsInfo(body, -1, client)[:3] for body in cubes] == before
    assert not still.held
