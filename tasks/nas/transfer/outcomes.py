"""What trainings came to, by network, size and group: means over seeds and who won."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tasks.nas.manifests import TrainedNetwork
from tasks.nas.transfer.family import CIFAR
from tasks.nas.transfer_manifests import (
    DetectTask,
    TrainedDetector,
    TrainedDetectors,
    TransferredNetworks,
)
from tasks.report.estimates import Estimate, difference, mean_estimate

T = TypeVar("T")


@dataclass(frozen=True)
class NetworkScore:
    """A network of one size, trained in one way, over seeds.

    Attributes:
        name: What reports call it.
        size: ``small``, ``medium`` or ``large``.
        group: ``scratch`` or ``from_cifar``.
        by_seed: Its trainings.
        test: Test accuracy.
        validation: Validation accuracy.
    """

    name: str
    size: str
    group: str
    by_seed: Mapping[int, TrainedNetwork]
    test: Estimate
    validation: Estimate

    @property
    def any_network(self) -> TrainedNetwork:
        """One of the trainings, for what all have in common."""
        return next(iter(self.by_seed.values()))

    def mean(self, name: str) -> float:
        """Mean of a figure of `TrainedNetwork` over seeds."""
        return float(np.mean([getattr(each, name) for each in self.by_seed.values()]))


@dataclass(frozen=True)
class DetectorScore:
    """A backbone in a detector, over seeds.

    Attributes:
        name: What reports call it.
        by_seed: Its trainings.
        mean_ap: AP over IoU 0.5 to 0.95.
        ap50: AP at IoU 0.5.
    """

    name: str
    by_seed: Mapping[int, TrainedDetector]
    mean_ap: Estimate
    ap50: Estimate

    @property
    def any_detector(self) -> TrainedDetector:
        """One of the trainings, for what all have in common."""
        return next(iter(self.by_seed.values()))

    def mean(self, name: str) -> float:
        """Mean of a figure of `TrainedDetector` over seeds."""
        return float(np.mean([getattr(each, name) for each in self.by_seed.values()]))


def network_scores(found: TransferredNetworks) -> list[NetworkScore]:
    """Scores of all networks but those on CIFAR, in the order of the tasks."""
    networks = {each.item_id: each for each in found.networks}
    runs: dict[tuple[str, str, str], dict[int, TrainedNetwork]] = {}
    for task in found.tasks:
        if task.group != CIFAR and task.item_id in networks:
            key = task.name, found.size_of[task.item_id], task.group
            runs.setdefault(key, {})[task.seed] = networks[task.item_id]
    return [
        NetworkScore(
            *key,
            by_seed=by_seed,
            test=_mean(by_seed, lambda each: each.test_accuracy),
            validation=_mean(by_seed, lambda each: each.validation_accuracy),
        )
        for key, by_seed in runs.items()
    ]


def detector_scores(found: TrainedDetectors) -> list[DetectorScore]:
    """Scores of all detectors, in the order of the tasks."""
    return scores_of(found.tasks, found.detectors)


def scores_of(
    tasks: Sequence[DetectTask], detectors: Iterable[TrainedDetector]
) -> list[DetectorScore]:
    """Scores of detectors by name of the backbone, in the order of the tasks."""
    by_id = {each.item_id: each for each in detectors}
    runs: dict[str, dict[int, TrainedDetector]] = {}
    for task in tasks:
        if task.item_id in by_id:
            runs.setdefault(task.name, {})[task.seed] = by_id[task.item_id]
    return [
        DetectorScore(
            name,
            by_seed=by_seed,
            mean_ap=_mean(by_seed, lambda each: each.mean_ap),
            ap50=_mean(by_seed, lambda each: each.ap50),
        )
        for name, by_seed in runs.items()
    ]


def best_network(scores: Sequence[NetworkScore]) -> NetworkScore | None:
    """The one that classifies most validation images rightly; None if there is none."""
    return max(scores, key=lambda each: each.validation.value, default=None)


def gains(scores: Sequence[NetworkScore], name: str) -> dict[tuple[str, str, str], Estimate]:
    """Test accuracy of a network less that of the others of its size and group.

    Returns:
        Differences, paired by seed, by (other, size, group).
    """
    own = {(each.size, each.group): each for each in scores if each.name == name}
    return {
        (each.name, each.size, each.group): difference(
            _values(own[each.size, each.group].by_seed, lambda one: one.test_accuracy),
            _values(each.by_seed, lambda one: one.test_accuracy),
        )
        for each in scores
        if each.name != name and (each.size, each.group) in own
    }


def detector_gains(scores: Sequence[DetectorScore], name: str) -> dict[str, Estimate]:
    """Mean AP with a backbone less that with the others, paired by seed, by name."""
    own = next((each for each in scores if each.name == name), None)
    if own is None:
        return {}
    return {
        each.name: difference(
            _values(own.by_seed, lambda one: one.mean_ap),
            _values(each.by_seed, lambda one: one.mean_ap),
        )
        for each in scores
        if each.name != name
    }


def _values(by_seed: Mapping[int, T], figure: Callable[[T], float]) -> dict[int, float]:
    return {seed: figure(each) for seed, each in by_seed.items()}


def _mean(by_seed: Mapping[int, T], figure: Callable[[T], float]) -> Estimate:
    return mean_estimate([figure(each) for each in by_seed.values()])
