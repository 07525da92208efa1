"""The loop of a training: steps, points of a curve, checkpoints.

What a step is, a learner says: any networks, losses and optimisers. The loop seeds torch, counts,
watches that losses are numbers, keeps the state at each point of the curve and goes on from the
last one, to the same result as a training that was never cut off. Points are shown while it goes
on. It ends early and goes back to the best point where a `Choice` says so. In several processes
(`tasks.learning.parallel`) the first one reports and keeps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from tasks.core.errors import DataError
from tasks.learning import parallel
from tasks.learning.checkpoints import (
    Checkpoints,
    Keeper,
    Reached,
    Stateful,
    copied_networks,
    of_other_settings,
    set_states,
)
from tasks.learning.curve import Choice, Point


class Learner(Protocol):
    """What is trained, and how."""

    @property
    def parts(self) -> Mapping[str, Stateful]:
        """Networks, optimisers and NumPy's generators that a step reads or changes."""

    def step(self, index: int) -> Mapping[str, Tensor]:
        """Take one step, from 0; returns its losses, detached, (), by name."""

    def report(self, step: int) -> Mapping[str, float]:
        """Look at the networks after so many steps, e.g. score them on a validation split."""


@dataclass(frozen=True)
class Course:
    """How long a training goes, and what is looked at on the way.

    Attributes:
        num_steps: Steps.
        points: After how many steps there is a point of the curve; ascending, the last is the end.
        seed: Decides what torch draws.
        choice: Which point counts; None: the last.
        advice: What may help against losses that are no numbers.
    """

    num_steps: int
    points: Sequence[int]
    seed: int
    choice: Choice | None = None
    advice: str = "a lower learning rate may help"


def run(
    learner: Learner, course: Course, *, device: str = "cpu", keeper: Keeper | None = None
) -> tuple[Point, ...]:
    """Train in place.

    Args:
        learner: What is trained, on the device, with its initial weights.
        course: How long.
        device: ``cpu`` or ``cuda``.
        keeper: Keeps the state at each point.

    Returns:
        The curve; of a training that ended early, up to there.

    Raises:
        ArtifactError: What was kept is of a training with other settings.
        DataError: A loss is not finite.
    """
    devices = [] if device == "cpu" else [torch.cuda.current_device()]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(course.seed + parallel.rank())
        checkpoints = Checkpoints(keeper, learner.parts, device)
        reached = checkpoints.load()
        _check_steps(reached, course, keeper)
        for end in course.points[len(reached.curve) :]:
            if course.choice and course.choice.is_over(reached.curve):
                break
            reached = _next(learner, course, reached, end)
            if keeper is not None:
                keeper.report({**reached.curve[-1].losses, **reached.curve[-1].values}, end)
            checkpoints.save(reached)
        set_states(learner.parts, reached.best)
    return reached.curve


def epochs(num_epochs: int, num_steps: int) -> range:
    """Points after each epoch of so many steps."""
    return range(num_steps, num_epochs * num_steps + 1, num_steps)


def evenly(num_points: int, num_steps: int) -> list[int]:
    """So many points, evenly spread; fewer if there are fewer steps."""
    return sorted({round(num_steps * (k + 1) / num_points) for k in range(num_points)} - {0})


def _check_steps(reached: Reached, course: Course, keeper: Keeper | None) -> None:
    """Networks alone don't tell a training from a longer one."""
    found = [point.step for point in reached.curve]
    expected = [*course.points[: len(found)]]
    if keeper is not None and found != expected:
        reason = f"points after {found} steps, not after {expected}"
        raise of_other_settings(keeper.checkpoint(), reason)


def _next(learner: Learner, course: Course, reached: Reached, end: int) -> Reached:
    """Train up to the next point of the curve."""
    curve = reached.curve
    begin, cpu_s = (curve[-1].step, curve[-1].cpu_s) if curve else (0, 0.0)
    begun_s = time.process_time()
    steps = [learner.step(index) for index in range(begin, end)]
    cpu_s += time.process_time() - begun_s
    losses = _means(steps)
    _check_finite(losses, begin, end, course)
    values = parallel.of_the_first(learner.report(end) if parallel.rank() == 0 else {})
    curve = (*curve, Point(end, losses, cpu_s, values))
    is_best = course.choice is not None and course.choice.best(curve) == len(curve) - 1
    return Reached(curve, copied_networks(learner.parts) if is_best else reached.best)


def _means(steps: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Means of losses over steps and processes."""
    own = {name: float(torch.stack([each[name] for each in steps]).mean()) for name in steps[0]}
    every = parallel.of_all(own)
    return {name: sum(each[name] for each in every) / len(every) for name in own}


def _check_finite(losses: Mapping[str, float], begin: int, end: int, course: Course) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DataError(
                f"diverged: the mean {name} of steps {begin + 1} to {end} of {course.num_steps} is "
                f"{value}; {course.advice}"
            )
