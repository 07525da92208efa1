"""When the rest of a motion decides nothing any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pybullet

from tasks.grasping.worlds.bullet.gripper import Gripper

_LOOK_S: Final = 0.02  # how often a lift looks whether the fingers still touch something
_LOST_LOOKS: Final = 2  # in a row: a finger may lose touch for a moment
_STALLED_S: Final = 0.02  # how long nothing may move
_FINGER_RAD_S: Final = 0.05  # both may drift along, held fast by what is between them
_OBJECT_M_S: Final = 0.01
_OBJECT_RAD_S: Final = 0.4


class Lost:
    """Whether the fingers have lost all that they touched, in a lift.

    Args:
        step_s: Length of a step.
        touches: Bodies that they touch; empty if there are none.
    """

    def __init__(self, step_s: float, touches: Callable[[], Sequence[int]]) -> None:
        self._num_steps = max(1, round(_LOOK_S / step_s))
        self._touches = touches
        self._step = 0
        self._misses = 0

    def is_over(self) -> bool:
        """Count a step; whether the last looks in a row found nothing."""
        self._step += 1
        if self._step % self._num_steps == 0:
            self._misses = 0 if self._touches() else self._misses + 1
        return self._misses >= _LOST_LOOKS


class Stalled:
    """Whether the fingers, and what they touch, have come to a stop while they close.

    Args:
        client: PyBullet client.
        gripper: Whose fingers close; they are open.
        step_s: Length of a step.
        touches: Bodies that they touch.
    """

    def __init__(
        self, client: int, gripper: Gripper, step_s: float, touches: Callable[[], Sequence[int]]
    ) -> None:
        self._client = client
        self._gripper = gripper
        self._touches = touches
        self._wanted = max(1, round(_STALLED_S / step_s))
        self._num_still = 0
        self._has_begun = False

    def is_over(self) -> bool:
        """Count a step; whether nothing has moved for a while."""
        is_still = self._gripper.finger_speed_rad_s() < _FINGER_RAD_S
        self._has_begun |= not is_still
        is_still = is_still and self._has_begun and all(map(self._lies_still, self._touches()))
        self._num_still = self._num_still + 1 if is_still else 0
        return self._num_still >= self._wanted

    def _lies_still(self, body: int) -> bool:
        linear, angular = pybullet.getBaseVelocity(body, physicsClientId=self._client)
        return bool(max(map(abs, linear)) < _OBJECT_M_S and max(map(abs, angular)) < _OBJECT_RAD_S)
