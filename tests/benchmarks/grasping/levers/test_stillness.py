"""What nothing touches stays where it is; what is touched moves, with all that leans on it."""

from __future__ import annotations

from collections.abc import Iterator

import pybullet
import pytest

from benchmarks.grasping.levers.stillness import StillObjects
from tasks.grasping.worlds.bullet.bin import (
    forget_contacts,
    send_to_sleep,
    set_engine,
    start_engine,
)

EDGE_M = 0.04
FLOOR = 0  # the first body


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


def run(client: int, still: StillObjects, num_steps: int, pusher: int | None = None) -> None:
    """Let steps pass, something pushing on along x as a motor does."""
    for _ in range(num_steps):
        if pusher is not None:
            pybullet.resetBaseVelocity(pusher, [0.3, 0, 0], [0, 0, 0], physicsClientId=client)
        still.release_touched()
        pybullet.stepSimulation(physicsClientId=client)


@pytest.fixture
def cubes(client: int) -> tuple[int, int, int]:
    """Two on top of each other and one apart, at rest."""
    bodies = (cube(client, 0, 0.02), cube(client, 0, 0.06), cube(client, 0.2, 0.02))
    for _ in range(60):
        pybullet.stepSimulation(physicsClientId=client)
    return bodies


def held(client: int, bodies: tuple[int, ...]) -> StillObjects:
    still = StillObjects(client, bodies)
    forget_contacts(client, [(body, -1) for body in bodies])
    still.hold()
    send_to_sleep(client, (FLOOR, *bodies))
    return still


def test_what_nothing_touches_stays_to_the_last_bit(client: int, cubes) -> None:
    still = held(client, cubes)
    before = [place_m(client, body) for body in cubes]
    run(client, still, 30)
    assert [place_m(client, body) for body in cubes] == before
    assert still.held == set(cubes)


def test_what_is_touched_is_released_with_what_leans_on_it(client: int, cubes) -> None:
    lower, upper, apart = cubes
    still = held(client, cubes)
    pusher = cube(client, -0.05, 0.02)
    before = place_m(client, apart)
    run(client, still, 30, pusher)
    assert still.held == {apart}
    assert place_m(client, lower)[0] > 0.002
    assert place_m(client, upper)[2] > EDGE_M
    assert place_m(client, apart) == before


def test_what_a_released_one_hits_is_released(client: int, cubes) -> None:
    lower, _, apart = cubes
    still = held(client, cubes)
    pusher = cube(client, 0.15, 0.02)
    run(client, still, 30, pusher)
    assert apart not in still.held
    assert lower in still.held
    assert place_m(client, apart)[0] > 0.202


def test_released_it_weighs_what_it_weighed(client: int, cubes) -> None:
    before = [pybullet.getDynamicsInfo(body, -1, client)[:3] for body in cubes]
    still = held(client, cubes)
    still.release_all()
    assert [pybullet.getDynamicsInfo(body, -1, client)[:3] for body in cubes] == before
    assert not still.held
