"""What a world is: objects fall into a bin, a camera looks on, a gripper tries to lift one.

A further world is a folder beside `bullet` and `surrogate` with a class that has `open` and
`close`, and a line in `tasks.grasping.worlds.registry`.
"""

from __future__ import annotations

from typing import Protocol

from tasks.grasping.types import Attempt, GripperPose, ObjectState, Rendering, Scene


class Controller(Protocol):
    """Decides where the gripper goes; one for each attempt."""

    @property
    def start(self) -> GripperPose:
        """Where the gripper stands, open, when the first picture with the arm is taken."""

    @property
    def num_steps(self) -> int:
        """Number of decisions before the fingers close; 1 for a one-shot attempt."""

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        """Return where to go from here; the last answer is where the fingers close."""


class OpenScene(Protocol):
    """A scene whose objects have come to rest; attempts all start from that state."""

    @property
    def objects(self) -> tuple[ObjectState, ...]:
        """Where each object lies, in the scene's order."""

    def look(self) -> Rendering:
        """Return the picture without the arm."""

    def attempt(self, controller: Controller) -> Attempt:
        """Try one grasp, then put every object back where it lay."""


class World(Protocol):
    """A simulated robot over a bin. Opening a scene ends the one before."""

    def open(self, scene: Scene) -> OpenScene:
        """Let the scene's objects fall and come to rest.

        The result depends on the scene alone, not on what was opened before.

        Raises:
            DataError: An object's model can't be loaded; the message names its file.
        """

    def close(self) -> None:
        """Give back what the engine holds."""
