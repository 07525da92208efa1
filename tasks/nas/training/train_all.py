"""Trains many networks as items of a stage; what can't be trained, or fails, is listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy.typing as npt

from tasks.core.outcomes import split
from tasks.core.ports import ItemFunction, Skipped, StageContext
from tasks.core.records import Record
from tasks.nas.manifests import ImageData, TrainedNetwork, TrainTask
from tasks.nas.training.item import train_network
from tasks.nas.training.shared_images import SharedImages, shared_arrays

TaskT = TypeVar("TaskT", bound=Record)
MadeT = TypeVar("MadeT", bound=Record)
SharedT = TypeVar("SharedT")


@dataclass(frozen=True)
class Outcomes(Generic[TaskT, MadeT]):
    """What was to be trained, and what came of it.

    Attributes:
        tasks: What was trained, in order.
        made: What came of it; failed ones are left out.
        skipped: What could not be trained, with the reason.
    """

    tasks: tuple[TaskT, ...]
    made: tuple[MadeT, ...]
    skipped: tuple[Skipped, ...]


def train_all(
    train: ItemFunction[SharedT, MadeT],
    planned: Iterable[TaskT | Skipped],
    shared: SharedT,
    arrays: Mapping[str, npt.NDArray[Any]],
    max_failed_fraction: float,
    ctx: StageContext,
) -> Outcomes[TaskT, MadeT]:
    """Train what can be trained.

    Args:
        train: Trains one.
        planned: What to train; skipped is what is known to be hopeless.
        shared: What all trainings have in common.
        arrays: What they share; see `tasks.core.ports.Items.map`.
        max_failed_fraction: Greatest part that may fail, the hopeless included.
        ctx: The stage's.

    Raises:
        DataError: More failed; says which and why.
    """
    tasks, hopeless = split([*planned], 1.0)
    ends = ctx.items.map(train, tasks, shared, shared=arrays, spread=True)
    return Outcomes(tasks, *split([*hopeless, *ends], max_failed_fraction))


def train_networks(
    planned: Iterable[TrainTask | Skipped],
    images: ImageData,
    max_failed_fraction: float,
    ctx: StageContext,
) -> Outcomes[TrainTask, TrainedNetwork]:
    """Train classifiers on one data set; see `train_all`."""
    wanted = [*planned]
    sides_px = {each.image_px for each in wanted if isinstance(each, TrainTask)}
    shared = SharedImages(images=images, device=ctx.resources.device)
    arrays = shared_arrays(images, sides_px, ctx.store)
    return train_all(train_network, wanted, shared, arrays, max_failed_fraction, ctx)
