"""Controllers: what decides the motions of one attempt. They implement `worlds.interface`.

After S. Levine, P. Pastor, A. Krizhevsky, J. Ibarz, D. Quillen, "Learning Hand-Eye Coordination
for Robotic Grasping with Deep Learning and Large-Scale Data Collection", IJRR 2018, the sections
on data collection and on continuous servoing: an attempt is a sequence of motions, each after a
picture, and the fingers close after the last. The first half of their data came from random
motions (of which 10 to 30 % succeeded), the rest from a network that is asked before each motion;
the number of steps grew from 2 to 10, the closing counted. Deviations: it is a setting; the
closing pose of an unguided attempt is drawn first and approached with noise, so that where
grasps are tried doesn't depend on the number of steps; a guided attempt goes an equal part of
the way in each step and closes after the last, without the paper's rules for closing earlier
(no motion promises 90 % of the best one) or rising again (less than 50 %).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from tasks.grasping.algorithms.cross_entropy import best_grasp
from tasks.grasping.algorithms.poses import kept_inside, part_of_the_way
from tasks.grasping.types import (
    ByteImage,
    Camera,
    Float32Array,
    FloatArray,
    GripperPose,
    Rendering,
    motion_command,
)

SERVO_NOISE: Final = np.array([0.02, 0.02, 0.01, 0.2])
"""Standard deviation of an intermediate pose of an unguided attempt: metres and radians."""


class GraspPredictor(Protocol):
    """Predicts the success of commands from what the camera sees."""

    def __call__(
        self,
        before: ByteImage,
        now: ByteImage,
        commands: Float32Array,
        pose: GripperPose,
        camera: Camera,
    ) -> FloatArray:
        """Return the probability of success of each command, (n,).

        Args:
            before: Picture without the arm, (h, w, 3), RGB.
            now: Picture with the arm, (h, w, 3), RGB.
            commands: From the current TCP to each candidate, (n, 5); see `tasks.grasping.types`.
            pose: The current TCP.
            camera: The camera as the robot knows it.
        """


@dataclass(frozen=True)
class OneShotController:
    """One motion from the start to a grasp that is chosen beforehand.

    Attributes:
        start: Where the attempt starts.
        grasp: Where the fingers close.
    """

    start: GripperPose
    grasp: GripperPose

    @property
    def num_steps(self) -> int:
        """One decision."""
        return 1

    def next_pose(
        self,
        step: int,  # noqa: ARG002  (there is but one)
        pose: GripperPose,  # noqa: ARG002
        seen: Rendering,  # noqa: ARG002
    ) -> GripperPose:
        """Return the grasp."""
        return self.grasp


@dataclass(frozen=True)
class NoisyServo:
    """Several motions to a grasp that is chosen beforehand; all but the last miss the way.

    Attributes:
        start: Where the attempt starts.
        grasp: Where the fingers close.
        noise: What is added to each intermediate pose, (num_steps - 1, 4): x, y, z, yaw.
    """

    start: GripperPose
    grasp: GripperPose
    noise: FloatArray

    @classmethod
    def drawn(
        cls, start: GripperPose, grasp: GripperPose, num_steps: int, rng: np.random.Generator
    ) -> NoisyServo:
        """Draw the noise of an attempt of `num_steps` motions."""
        return cls(start, grasp, rng.normal(0.0, SERVO_NOISE, (num_steps - 1, 4)))

    @property
    def num_steps(self) -> int:
        """Motions before the fingers close."""
        return len(self.noise) + 1

    def next_pose(
        self,
        step: int,
        pose: GripperPose,
        seen: Rendering,  # noqa: ARG002  (an unguided attempt is blind)
    ) -> GripperPose:
        """Return a pose some of the way on, or the grasp itself."""
        if step == self.num_steps - 1:
            return self.grasp
        to = part_of_the_way(pose, self.grasp, 1 / (self.num_steps - step))
        off = self.noise[step]
        return kept_inside(to.x_m + off[0], to.y_m + off[1], to.z_m + off[2], to.yaw_rad + off[3])


@dataclass(frozen=True)
class GuidedServo:
    """Asks a model before each motion and goes part of the way to the grasp it likes best.

    Attributes:
        start: Where the attempt starts.
        num_steps: Motions before the fingers close; 1 for a one-shot attempt.
        before: Picture without the arm, (h, w, 3), RGB.
        camera: The camera as the robot knows it.
        predictor: The model.
        num_candidates: Grasps that it scores in each round of the search.
        rng: Draws the candidates.
    """

    start: GripperPose
    num_steps: int
    before: ByteImage
    camera: Camera
    predictor: GraspPredictor
    num_candidates: int
    rng: np.random.Generator

    def next_pose(self, step: int, pose: GripperPose, seen: Rendering) -> GripperPose:
        """Return a pose on the way to the grasp that the model expects most of."""
        grasp = best_grasp(self._score(pose, seen.rgb), self.num_candidates, self.rng)
        return part_of_the_way(pose, grasp, 1 / (self.num_steps - step))

    def _score(
        self, pose: GripperPose, now: ByteImage
    ) -> Callable[[list[GripperPose]], FloatArray]:
        def score(grasps: list[GripperPose]) -> FloatArray:
            commands = np.array([motion_command(pose, grasp) for grasp in grasps], np.float32)
            return self.predictor(self.before, now, commands, pose, self.camera)

        return score
