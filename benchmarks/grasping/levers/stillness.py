"""A short cut: objects that are held still until something touches them.

An object that nothing touches lies where it lay, and yet costs the engine as much as one that is
grasped as soon as something comes near. So an attempt starts with all objects fixed. What moves
and comes to touch one sets it free, together with all that it leans on and that leans on it,
directly or by way of others: the part of the graph of contacts that it belongs to. For the one step
in which it is first touched it stands like a wall, which the fingers' motors soon make up for.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import pybullet

from tasks.grasping.worlds.bullet.bin import put_back, send_to_sleep
from tasks.grasping.worlds.bullet.world import BulletScene


def hold_objects(scene: BulletScene) -> None:
    """Make a scene hold its objects still at the start of each attempt."""
    still = StillObjects(scene._client, scene._bodies)
    restore, step = scene._restore, scene._step

    def restore_held() -> None:
        if scene._is_dirty:
            still.release_all()
            put_back(scene._client, scene._bodies, scene._rest)
            _step_apart(scene)
            restore()
            still.hold()
            send_to_sleep(scene._client, scene._sleepers)

    def step_held() -> None:
        still.release_touched()
        step()

    scene._restore = restore_held  # type: ignore[method-assign]
    scene._step = step_held  # type: ignore[method-assign]


def _step_apart(scene: BulletScene) -> None:
    """Let the engine work out inertias about the world's axes, while nothing touches.

    It doesn't when a body is put somewhere, and never for one that is held.
    """
    for body in scene._bodies:
        pybullet.setCollisionFilterGroupMask(body, -1, 0, 0, physicsClientId=scene._client)
    pybullet.stepSimulation(physicsClientId=scene._client)


class StillObjects:
    """Holds a scene's objects, which lie at rest.

    Args:
        client: PyBullet client.
        bodies: The objects.

    Attributes:
        held: Those that are held.
    """

    def __init__(self, client: int, bodies: Sequence[int]) -> None:
        self.held: Set[int] = frozenset()
        self._client = client
        self._bodies = tuple(bodies)
        info = {body: pybullet.getDynamicsInfo(body, -1, client) for body in bodies}
        self._masses = {body: (found[0], found[2]) for body, found in info.items()}
        self._leaning = _leaning(client, bodies)

    def hold(self) -> None:
        """Fix all objects where they are.

        Their contacts must be forgotten, and all that they lie on must sleep, as they do.
        """
        for body in self._bodies:
            pybullet.changeDynamics(body, -1, mass=0, physicsClientId=self._client)
        self.held = frozenset(self._bodies)

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

    def release_touched(self) -> None:
        """Set free what has come to be touched; ask before each step."""
        for body in self.held:
            # What sleeps is not tested against what sleeps: all that touches a fixed one moves.
            is_touched = pybullet.getContactPoints(bodyA=body, physicsClientId=self._client)
            if is_touched and body in self.held:
                self._release(self._leaning[body])

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
