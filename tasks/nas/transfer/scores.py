"""What trainings came to, by network, size and group: means over seeds and who won."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.nas.detection.manifests import DetectTask, TrainedDetector
from tasks.nas.manifests import TrainedNetwork
from tasks.nas.report.by_seed import BySeed, grouped
from tasks.nas.training.groups import CIFAR
from tasks.nas.transfer.manifests import TrainedDetectors, TransferredNetworks
from tasks.report.estimates import Estimate


@dataclass(frozen=True)
class NetworkScore(BySeed[TrainedNetwork]):
    """A network of one size, trained in one way, over seeds.

    Attributes:
        size: ``small``, ``medium`` or ``large``.
        group: ``scratch`` or ``from_cifar``.
    """

    size: str
    group: str

    @property
    def test(self) -> Estimate:
        """Test accuracy."""
        return self.estimate("test_accuracy")

    @property
    def validation(self) -> Estimate:
        """Validation accuracy."""
        return self.estimate("validation_accuracy")


@dataclass(frozen=True)
class DetectorScore(BySeed[TrainedDetector]):
    """A backbone in a detector, over seeds."""

    @property
    def mean_ap(self) -> Estimate:
        """AP over IoU 0.5 to 0.95."""
        return self.estimate("mean_ap")

    @property
    def ap50(self) -> Estimate:
        """AP at IoU 0.5."""
        return self.estimate("ap50")


def network_scores(found: TransferredNetworks) -> list[NetworkScore]:
    """Scores of all networks but those on CIFAR, in the order of the tasks."""
    tasks = [each for each in found.tasks if each.group != CIFAR]
    runs = grouped(tasks, found.networks, lambda t: (t.name, found.size_of[t.item_id], t.group))
    return [
        NetworkScore(name, by_seed, size, group) for (name, size, group), by_seed in runs.items()
    ]


def detector_scores(found: TrainedDetectors) -> list[DetectorScore]:
    """Scores of all detectors, in the order of the tasks."""
    return scores_of(found.tasks, found.detectors)


def scores_of(
    tasks: Sequence[DetectTask], detectors: Iterable[TrainedDetector]
) -> list[DetectorScore]:
    """Scores of detectors by name of the backbone, in the order of the tasks."""
    runs = grouped(tasks, detectors, lambda task: task.name)
    return [DetectorScore(name, by_seed) for name, by_seed in runs.items()]


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
        (each.name, each.size, each.group): own[each.size, each.group].less(each, "test_accuracy")
        for each in scores
        if each.name != name and (each.size, each.group) in own
    }


def detector_gains(scores: Sequence[DetectorScore], name: str) -> dict[str, Estimate]:
    """Mean AP with a backbone less that with the others, paired by seed, by name."""
    own = next((each for each in scores if each.name == name), None)
    if own is None:
        return {}
    return {each.name: own.less(each, "mean_ap") for each in scores if each.name != name}
