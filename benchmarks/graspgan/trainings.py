"""The trainings that are timed: C and GraspGAN, by the functions that the pipeline calls.

Sizes are the pipeline's defaults; samples are noise, since a step takes as long whatever it sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import torch

from tasks.graspgan.config import AdaptConfig, PrepareConfig, TrainConfig
from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.networks.domains import SOURCE
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.crops import NUM_MOTION
from tasks.graspgan.samples.pools import Pool
from tasks.graspgan.trainings.adapting import Networks, train_generator
from tasks.graspgan.trainings.health import Health
from tasks.graspgan.trainings.predicting import CHOSEN_BY, Lesson, train_predictor
from tasks.grasping.types import SemanticClass
from tasks.learning.checkpoints import Keeper
from tasks.learning.curve import Point

SIDE_PX: Final = PrepareConfig().side_px
DESCENT: Final = replace(TrainConfig().descent, num_points=1)
GENERATOR: Final = replace(AdaptConfig().from_plain, num_points=1)
ARITHMETIC: Final = TrainConfig().arithmetic
NUM_SAMPLES, NUM_LOOKS, NUM_STATIONS = 2000, 4, 3

Train = Callable[[int, Keeper | None], tuple[Point, ...]]
"""Goes on for so many steps, and keeps the state at the end of them; returns the curve."""


def pool(seed: int, num_looks: int = NUM_LOOKS) -> Pool:
    """Samples of noise, with labels, masks and heights."""
    rng = np.random.default_rng(seed)
    shape = (NUM_SAMPLES, SIDE_PX, SIDE_PX, 3)
    return Pool(
        pictures=tuple(rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(num_looks)),
        motion=rng.normal(size=(NUM_SAMPLES, NUM_MOTION)).astype(np.float32),
        station=rng.integers(NUM_STATIONS, size=NUM_SAMPLES),
        success=(rng.random(NUM_SAMPLES) < 0.4).astype(np.float32),
        classes=rng.integers(0, len(SemanticClass), (*shape[:3], 1), dtype=np.uint8),
        heights_m=(0.1 * rng.random(shape[:3])).astype(np.float16),
    )


def predictor() -> CropNetwork:
    """C, with fixed weights."""
    torch.manual_seed(0)
    network = CropNetwork(1, NUM_MOTION, standardises=True, side_px=SIDE_PX)
    return ARITHMETIC.placed(network, "cpu")


def networks() -> Networks:
    """What GraspGAN trains together, with fixed weights."""
    torch.manual_seed(0)
    generator = Generator(1, len(SemanticClass), NUM_STATIONS)
    judges = Discriminators(1, NUM_STATIONS)
    placed = ARITHMETIC.placed
    return Networks(placed(generator, "cpu"), placed(judges, "cpu"), predictor())


def train_c() -> Train:
    """C on one domain; validation is left out."""
    network, lesson = predictor(), Lesson(((pool(0), SOURCE),))

    def train(num_steps: int, keeper: Keeper | None) -> tuple[Point, ...]:
        config = replace(DESCENT, num_steps=num_steps)
        validate = lambda: {CHOSEN_BY: 0.5}  # noqa: E731
        return train_predictor(network, lesson, config, 0, validate, keeper=keeper)

    return train


def train_graspgan() -> Train:
    """Generator, discriminators and C; its health is left out."""
    trained, source, target = networks(), pool(0), pool(1, 1).without_labels

    def train(num_steps: int, keeper: Keeper | None) -> tuple[Point, ...]:
        config = replace(GENERATOR, num_steps=num_steps)
        unwatched = Unwatched(source, target)
        return train_generator(trained, source, target, config, 0, unwatched, keeper=keeper)

    return train


class Unwatched(Health):
    """A generator's health that nobody looks at."""

    def figures(
        self,
        generator: Generator,  # noqa: ARG002
        predictor: CropNetwork | PictureNetwork,  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Nothing."""
        return {}


OURS: Final[Mapping[str, Callable[[], Train]]] = {"c": train_c, "generator": train_graspgan}
