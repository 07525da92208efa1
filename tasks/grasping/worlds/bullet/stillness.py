"""Objects that are held still until the gripper comes near.

An object that nothing touches lies where it lay, and yet costs the engine as much as one that is
grasped as soon as something comes near. So an attempt starts with all objects fixed. The gripper
sets free what it comes near, a few steps before it touches, so that what the object lies on bears
it again by then; and what is free sets free what it comes to touch. Whatever is set free takes
along all that it leans on and that leans on it, directly or by way of others: the part of the graph
of contacts that it belongs to.

How far the gripper is from the objects is measured as seldom as may be: until it has moved as far
as there was room, nothing can be near (conservative advancement; B. Mirtich, "Impulse-based Dynamic
Simulation of Rigid Body Systems", PhD thesis, Berkeley 1996).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Final

import pybullet

from tasks.grasping.worlds.bullet.gripper import Gripper

_NEAR_M: Final = 0.003
_LOOK_M: Final = 0.05  # what is farther is not measured
_FASTEST_M_S: Final = 1.5  # of any point of the gripper; its paths ask for two thirds of it


class StillObjects:
    """Holds a scene's objects, which lie at rest.

    Args:
        client: PyBullet client.
        bodies: The objects.
        gripper: What sets them free.
        step_s: Length of a step.

    Attributes:
        held: Those that are held.
    """

    def __init__(self, client: int, bodies: Sequence[int], gripper: Gripper, step_s: float) -> None:
        self.held: Set[int] = frozenset()
        self._client = client
        self._bodies = tuple(bodies)
        self._gripper = gripper
        self._most_m = _FASTEST_M_S * step_s
        info = {body: pybullet.getDynamicsInfo(body, -1, client) for body in bodies}
        self._masses = {body: (found[0], found[2]) for body, found in info.items()}
        self._leaning = _leaning(client, bodies)
        self.measure_anew()

    def hold(self) -> None:
        """Fix all objects where they are.

        Their contacts must be forgotten, and all that they lie on must sleep, as they do.
        """
        for body in self._bodies:
            pybullet.changeDynamics(body, -1, mass=0, physicsClientId=self._client)
        self.held = frozenset(self._bodies)
        self.measure_anew()

    def measure_anew(self) -> None:
        """Forget how far the gripper was, as it was put elsewhere."""
        self._joints: tuple[float, ...] = ()
        self._room_m = 0.0
        self._num_sure = 0  # steps in which it can't come near

    def release_all(self) -> None:
        """Set all objects free and awake, to be put elsewhere."""
        self._release(self.held)
        for body in self._bodies:
            pybullet.changeDynamics(
                body,
                -1,
                activationState=pybullet.ACTIVATION_STATE_WAKE_UP,
                physicsClientId=self._client,
            )

    def release(self) -> None:
        """Set free what the gripper is near or something touches; ask before each step."""
        if len(self.held) < len(self._bodies):
            self._release_touched()
        if self.held:
            self._release_near()

    def _release_touched(self) -> None:
        for body in self.held:
            # What sleeps is not tested against what sleeps: all that touches a fixed one moves.
            is_touched = pybullet.getContactPoints(bodyA=body, physicsClientId=self._client)
            if is_touched and body in self.held:
                self._release(self._leaning[body])

    def _release_near(self) -> None:
        if self._num_sure:
            self._num_sure -= 1
            return
        joints = self._gripper.joints()
        if self._joints:
            self._room_m -= self._gripper.moved_m(self._joints, joints)
        self._joints = joints
        if self._room_m <= 0:
            self._room_m = self._look_around()
        self._num_sure = int(self._room_m / self._most_m)

    def _look_around(self) -> float:
        """Set free what is near; how far the gripper may move until more can be."""
        least_m = _LOOK_M
        for body in sorted(self.held):
            distance_m = self._distance_m(body)
            if distance_m > _NEAR_M:
                least_m = min(least_m, distance_m)
            elif body in self.held:
                self._release(self._leaning[body])
        return least_m - _NEAR_M

    def _distance_m(self, body: int) -> float:
        points = pybullet.getClosestPoints(
            self._gripper.body, body, _LOOK_M, physicsClientId=self._client
        )
        return min((point[8] for point in points), default=_LOOK_M)

    def _release(self, bodies: Set[int]) -> None:
        for body in sorted(bodies):
            mass_kg, inertia = self._masses[body]
            pybullet.changeDynamics(
                body,
                -1,
                mass=mass_kg,
                localInertiaDiagonal=inertia,
                physicsClientId=self._client,
            )
        self.held -= bodies


def _leaning(client: int, bodies: Sequence[int]) -> dict[int, Set[int]]:
    """For each object those that contacts link it with, itself among them."""
    groups: dict[int, Set[int]] = {body: {body} for body in bodies}
    for body in bodies:
        # What the engine's last step found less than a millimetre or so away.
        points = pybullet.getContactPoints(bodyA=body, physicsClientId=client)
        for other in {point[2] for point in points} & groups.keys():
            joined = groups[body] | groups[other]
            groups.update(dict.fromkeys(joined, joined))
    return groups
