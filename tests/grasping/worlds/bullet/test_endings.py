"""When the rest of a motion decides nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import pybullet
import pytest

from tasks.grasping.worlds.bullet.endings import Lost, Stalled

STEP_S = 1 / 240


@pytest.fixture
def client() -> Iterator[int]:
    found = pybullet.connect(pybullet.DIRECT)
    yield found
    pybullet.disconnect(found)


class Fingers:
    """Fingers that move at given speeds, one a step."""

    def __init__(self, speeds_rad_s: list[float]) -> None:
        self._speeds = iter(speeds_rad_s)

    def finger_speed_rad_s(self) -> float:
        return next(self._speeds)


def steps_until(is_over: Iterator[bool]) -> int:
    """Steps before the first at which it is over."""
    return sum(1 for _ in takewhile(lambda over: not over, is_over))


def test_a_look_that_misses_once_ends_no_lift() -> None:
    touched = iter([[1], [], [1], [], [], [1]])
    lost = Lost(STEP_S, lambda: next(touched))
    assert steps_until(lost.is_over() for _ in range(60)) == 5 * 5 - 1, "looks 4 and 5 missed"


def test_fingers_that_have_not_begun_are_not_stalled(client: int) -> None:
    speeds = [0.0] * 10 + [1.0] * 4 + [0.0] * 10
    stalled = Stalled(client, Fingers(speeds), STEP_S, list)  # type: ignore[arg-type]
    assert steps_until(stalled.is_over() for _ in speeds) == 10 + 4 + 4


def test_what_moves_between_the_fingers_goes_on(client: int) -> None:
    body = pybullet.createMultiBody(0.1, -1, physicsClientId=client)
    pybullet.resetBaseVelocity(body, [0, 0, 0.02], [0, 0, 0], physicsClientId=client)
    speeds = [1.0] + [0.0] * 20
    stalled = Stalled(client, Fingers(speeds), STEP_S, lambda: [body])  # type: ignore[arg-type]
    assert not any(stalled.is_over() for _ in speeds[:10])
    pybullet.resetBaseVelocity(body, [0, 0, 0.001], [0, 0, 0], physicsClientId=client)
    assert any(stalled.is_over() for _ in speeds[10:])
