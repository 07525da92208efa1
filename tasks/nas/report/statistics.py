"""What the retrained networks of a run say: is the search better than chance, and than others?

Accuracies are shares of the test images, as in the records. Definitions:

top minus random: for each search, the mean test accuracy of its top cells less that of the random
control cells, retrained alike at equal multiply-adds; several trainings of a cell count as their
mean. The standard error is that over searches; `TopAgainstRandom.control_error` says how
uncertain the one control, which all of them share, is on top of it.

winner minus a reference: mean difference of test accuracies over seeds, paired where both were
trained with a seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.nas.manifests import RetrainedCells, TrainedNetwork, TrainTask
from tasks.nas.report.by_seed import BySeed, grouped, named
from tasks.nas.space.canonical import genotype_hash
from tasks.nas.training.groups import FINAL, RANDOM, TOP, WINNER
from tasks.report.estimates import Estimate, mean_estimate

EQUAL_COST: Final = 0.05  # how far multiply-adds may differ and still count as equal
_MEGA, _MILLI = 1e6, 1e-3


@dataclass(frozen=True)
class TopAgainstRandom:
    """How much better the cells of searches are than random ones.

    Attributes:
        by_search: Top minus random of each search.
        gain: Their mean over searches.
        num_control: Random cells.
        control: Mean test accuracy of the random cells, over cells.
        control_error: Its standard error; None with one cell.
        cost_spread: Largest multiply-adds of all these cells over the smallest, less one.
    """

    by_search: Mapping[str, float]
    gain: Estimate
    num_control: int
    control: float
    control_error: float | None
    cost_spread: float


@dataclass(frozen=True)
class Score(BySeed[TrainedNetwork]):
    """How one network of the final comparison did."""

    @property
    def accuracy(self) -> Estimate:
        """Test accuracy."""
        return self.estimate("test_accuracy")

    @property
    def points_per_mega_mult_add(self) -> float:
        """Accuracy in percent over millions of multiply-adds."""
        return 100 * self.accuracy.value / (self.any_one.mult_adds / _MEGA)

    @property
    def points_per_cpu_ms(self) -> float:
        """Accuracy in percent over CPU milliseconds for one image."""
        return 100 * self.accuracy.value / (self.mean("image_cpu_s") / _MILLI)


@dataclass(frozen=True)
class Comparison:
    """The winner against one reference.

    Attributes:
        name: The reference.
        gain: Test accuracy of the winner less that of the reference.
        cost_ratio: Multiply-adds of the winner over those of the reference.
        time_ratio: CPU seconds for one image, alike.
    """

    name: str
    gain: Estimate
    cost_ratio: float
    time_ratio: float

    @property
    def is_equal_cost(self) -> bool:
        """Whether both have equal multiply-adds, within 5 %."""
        return abs(self.cost_ratio - 1) <= EQUAL_COST


def trained(retrained: RetrainedCells, group: str) -> Iterator[tuple[TrainTask, TrainedNetwork]]:
    """Networks of a group with their tasks, in the order of the tasks."""
    networks = {network.item_id: network for network in retrained.networks}
    for task in retrained.tasks:
        if task.group == group and task.item_id in networks:
            yield task, networks[task.item_id]


def hash_of(task: TrainTask) -> str:
    """Hash of the cells; the name, for a network without."""
    if task.genotype is None:
        return task.name
    return genotype_hash(task.genotype.genotype(task.item_id))


def top_against_random(retrained: RetrainedCells) -> TopAgainstRandom | None:
    """Compare the top cells of each search with the random control; None if either is missing."""
    control = _cell_means(trained(retrained, RANDOM))
    top = _cell_means(trained(retrained, TOP))
    if not control or not top:
        return None
    mean = mean_estimate([*control.values()])
    by_search = {
        search: float(np.mean([value for (owner, _), value in top.items() if owner == search]))
        - mean.value
        for search in dict.fromkeys(owner for owner, _ in top)
    }
    costs = [
        network.mult_adds for group in (TOP, RANDOM) for _, network in trained(retrained, group)
    ]
    return TopAgainstRandom(
        by_search=by_search,
        gain=mean_estimate([*by_search.values()]),
        num_control=len(control),
        control=mean.value,
        control_error=mean.error,
        cost_spread=max(costs) / min(costs) - 1,
    )


def final_scores(retrained: RetrainedCells) -> dict[str, Score]:
    """Networks of the final comparison by name, the winner first as `WINNER`."""

    def name_of(task: TrainTask) -> str:
        return WINNER if hash_of(task) == retrained.winner else task.name

    tasks = [task for task in retrained.tasks if task.group == FINAL]
    runs = grouped(tasks, retrained.networks, name_of)
    names = sorted(runs, key=lambda name: name != WINNER)
    return {name: Score(name, runs[name]) for name in names}


def comparisons(scores: Mapping[str, Score]) -> dict[str, Comparison]:
    """The winner against each other network; empty if it was not trained."""
    if WINNER not in scores:
        return {}
    winner = scores[WINNER]
    return {
        name: Comparison(
            name=name,
            gain=winner.less(other, "test_accuracy"),
            cost_ratio=winner.any_one.mult_adds / other.any_one.mult_adds,
            time_ratio=winner.mean("image_cpu_s") / other.mean("image_cpu_s"),
        )
        for name, other in scores.items()
        if name != WINNER
    }


def figures(retrained: RetrainedCells) -> dict[str, float]:
    """Figures of a run by name; accuracies in percent, differences in points of it.

    ``top5_minus_random`` and ``_se`` are there under this name whatever number of top cells was
    retrained; ``top5_minus_random_in_se`` is the quotient of the two. ``_se_with_control`` also
    holds the standard error of the control's mean.
    """
    found: dict[str, float] = {"winner_validation": 100 * retrained.validation_accuracy}
    against = top_against_random(retrained)
    if against is not None:
        found |= _gain("top5_minus_random", against.gain)
        if against.gain.error is not None and against.control_error is not None:
            whole = math.hypot(against.gain.error, against.control_error)
            found["top5_minus_random_se_with_control"] = 100 * whole
        found["random_accuracy"] = 100 * against.control
    scores = final_scores(retrained)
    if WINNER in scores:
        found["winner_accuracy"] = 100 * scores[WINNER].accuracy.value
    for name, comparison in comparisons(scores).items():
        found |= _gain(f"cell_minus_{name}", comparison.gain)
    return found


def _gain(name: str, gain: Estimate) -> dict[str, float]:
    in_errors = gain.in_errors
    return named(name, gain) | ({} if in_errors is None else {f"{name}_in_se": in_errors})


def _cell_means(
    pairs: Iterable[tuple[TrainTask, TrainedNetwork]],
) -> dict[tuple[str, str], float]:
    """Mean test accuracy by search and cell, over the trainings of the cell."""
    found: dict[tuple[str, str], list[float]] = {}
    for task, network in pairs:
        found.setdefault((task.search, hash_of(task)), []).append(network.test_accuracy)
    return {key: float(np.mean(values)) for key, values in found.items()}
