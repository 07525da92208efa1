"""Policies: where grasps are tried.

A part of the attempts is always uniform over the grasp area and named so: data of grasps near
objects alone make success hard to predict, since every picture's centre shows an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting
from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.controllers import (
    GraspPredictor,
    GuidedServo,
    NoisyServo,
    OneShotController,
)
from tasks.grasping.algorithms.poses import draw_grasp, draw_hover, is_in_grasp_area, kept_inside
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import ByteImage, Camera, GripperPose, ObjectState
from tasks.grasping.worlds.interface import Controller

PolicyName = Literal["uniform", "near_object", "model"]
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)


@dataclass(frozen=True, config=SETTINGS)
class Mixture:
    """Which part of the attempts each policy chooses; the parts add up to 1.

    `tasks.core.config.config_json` writes it as JSON values.
    """

    uniform: float = setting(1.0, ge=0, le=1, help="Part drawn uniformly over the grasp area.")
    near_object: float = setting(0.0, ge=0, le=1, help="Part drawn about an object.")
    model: float = setting(0.0, ge=0, le=1, help="Part chosen by a trained model.")
    spread_m: float = setting(
        0.02, gt=0, le=0.2, unit="m", help="Standard deviation about an object's centre."
    )
    model_candidates: int = setting(
        64, ge=4, le=4096, help="Commands that the model scores in each of its rounds."
    )

    def __post_init__(self) -> None:
        """Check the sum.

        Raises:
            ValueError: The parts don't add up to 1.
        """
        if not np.isclose(sum(self.weights), 1.0, atol=1e-6):
            raise ValueError(f"the parts of a mixture must add up to 1, got {self.weights}")

    @property
    def weights(self) -> tuple[float, float, float]:
        """Parts in the order of `POLICIES`."""
        return self.uniform, self.near_object, self.model


def draw_controller(
    mixture: Mixture,
    physics: PhysicsConfig,
    objects: Sequence[ObjectState],
    rng: np.random.Generator,
    model: GraspPredictor | None = None,
    before: ByteImage | None = None,
    camera: Camera | None = None,
) -> tuple[Controller, PolicyName]:
    """Draw how one attempt goes: which policy chooses it, where it starts and where it ends.

    Args:
        mixture: Part of each policy.
        physics: Says whether an attempt is one motion or several.
        objects: Where the scene's objects lie. Without one in the grasp area, a grasp near an
            object becomes a uniform one, and is named so.
        rng: The attempt's own generator; a guided attempt goes on drawing from it.
        model: The trained model, where the mixture has a part for it.
        before: Picture without the arm, (h, w, 3), RGB, for the model.
        camera: The camera as the robot knows it, for the model.

    Returns:
        The controller, and the policy that chose.

    Raises:
        ConfigError: The mixture asks for a model and none is given.
    """
    policy = _draw_policy(mixture, rng)
    start = draw_hover(rng)
    num_steps = 1 if physics.servo == "one_shot" else physics.num_servo_steps
    if policy == "model":
        if model is None or before is None or camera is None:
            raise ConfigError(
                "the mixture has a part for a model, and there is none; set policy.model"
            )
        candidates = mixture.model_candidates
        return GuidedServo(start, num_steps, before, camera, model, candidates, rng), policy
    within_reach = [
        each
        for each in objects
        if each.is_in_bin and is_in_grasp_area(each.centre_m[0], each.centre_m[1])
    ]
    if policy == "near_object" and within_reach:
        grasp = _draw_near(within_reach, mixture.spread_m, rng)
    else:
        policy, grasp = "uniform", draw_grasp(rng)
    if physics.servo == "one_shot":
        return OneShotController(start, grasp), policy
    return NoisyServo.drawn(start, grasp, num_steps, rng), policy


def _draw_policy(mixture: Mixture, rng: np.random.Generator) -> PolicyName:
    return POLICIES[int(rng.choice(len(POLICIES), p=_normalised(mixture.weights)))]


def _normalised(weights: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(weight / sum(weights) for weight in weights)


def _draw_near(
    objects: Sequence[ObjectState], spread_m: float, rng: np.random.Generator
) -> GripperPose:
    """Draw a grasp about the centre of one of the objects; its height and yaw are uniform."""
    x_m, y_m, _ = objects[int(rng.integers(len(objects)))].centre_m
    off_x, off_y = rng.normal(0.0, spread_m, 2)
    uniform = draw_grasp(rng)
    return kept_inside(x_m + off_x, y_m + off_y, uniform.z_m, uniform.yaw_rad)
