"""Trainings that differ in their seed alone: their means, and differences paired by seed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from tasks.report.estimates import Estimate, difference, mean_estimate


class Task(Protocol):
    """What was to be trained."""

    @property
    def item_id(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102


class Made(Protocol):
    """What came of it."""

    @property
    def item_id(self) -> str: ...  # noqa: D102


TaskT = TypeVar("TaskT", bound=Task)
MadeT = TypeVar("MadeT", bound=Made)
KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True)
class BySeed(Generic[MadeT]):
    """One network's trainings.

    Attributes:
        name: What reports call it.
        by_seed: What came of each training that did not fail; at least one.
    """

    name: str
    by_seed: Mapping[int, MadeT]

    @property
    def any_one(self) -> MadeT:
        """One of the trainings, for what all have in common."""
        return next(iter(self.by_seed.values()))

    def values(self, figure: str) -> dict[int, float]:
        """A figure of the record, by seed."""
        return {seed: float(getattr(each, figure)) for seed, each in self.by_seed.items()}

    def mean(self, figure: str) -> float:
        """Mean of a figure over seeds."""
        return float(np.mean([*self.values(figure).values()]))

    def estimate(self, figure: str) -> Estimate:
        """Mean of a figure over seeds with its interval."""
        return mean_estimate([*self.values(figure).values()])

    def less(self, other: BySeed[MadeT], figure: str) -> Estimate:
        """Difference of a figure to that of another network, paired by seed."""
        return difference(self.values(figure), other.values(figure))


def grouped(
    tasks: Sequence[TaskT], made: Iterable[MadeT], key_of: Callable[[TaskT], KeyT]
) -> dict[KeyT, dict[int, MadeT]]:
    """What came of tasks, by key and seed, in the order of the tasks; failed ones are left out."""
    by_id = {each.item_id: each for each in made}
    found: dict[KeyT, dict[int, MadeT]] = {}
    for task in tasks:
        if task.item_id in by_id:
            found.setdefault(key_of(task), {})[task.seed] = by_id[task.item_id]
    return found


def named(name: str, found: Estimate) -> dict[str, float]:
    """A figure for the tracker, in percent or points: the value, and behind it what bounds it.

    Returns:
        ``<name>``, and with several observations also ``_se``, ``_low`` and ``_high``.
    """
    parts = {"": found.value, "_se": found.error, "_low": found.low, "_high": found.high}
    return {f"{name}{end}": 100 * part for end, part in parts.items() if part is not None}
