"""What a data set's scenes are drawn from: the world, the objects and the randomisation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.grasping.config import ObjectsConfig, PlanConfig, RandomiseConfig, WorldConfig


@dataclass(frozen=True, config=SETTINGS)
class Recipe:
    """The part of the plan that decides what a scene is and how it is simulated.

    `tasks.core.config.config_json` and `parse_config` write and read it as JSON values.

    Attributes:
        world: Which world, its physics and its camera.
        objects: What lies in the bin.
        randomise: What is drawn anew for each scene.
    """

    world: WorldConfig = Field(default_factory=WorldConfig)
    objects: ObjectsConfig = Field(default_factory=ObjectsConfig)
    randomise: RandomiseConfig = Field(default_factory=RandomiseConfig)

    @property
    def is_seen_by_surrogate(self) -> bool:
        """Whether looks and cameras are the surrogate's."""
        return self.world.name != "bullet"

    @property
    def looks(self) -> Literal["plain", "randomise", "surrogate"]:
        """Where a scene's look comes from: the world's own, or one of two distributions."""
        if self.is_seen_by_surrogate:
            return "surrogate"
        return "randomise" if self.randomise.appearance else "plain"


def recipe_of(plan: PlanConfig) -> Recipe:
    """Return the recipe that a plan's settings spell out."""
    return Recipe(world=plan.world, objects=plan.objects, randomise=plan.randomise)
