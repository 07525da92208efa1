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
from tasks.nas.space.canonical import genotype_hash
from tasks.report.estimates import Estimate, difference, mean_estimate

TOP, RANDOM, FINAL = "top", "random", "final"  # groups of `TrainTask`
WINNER: Final = "found cell"
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
class Score:
    """How one network of the final comparison did.

    Attributes:
        name: What reports call it.
        by_seed: Test accuracy of each training.
        accuracy: Their mean.
        num_params: Weights.
        mult_adds: Multiply-adds of one image.
        image_cpu_s: CPU seconds to classify one image, mean over trainings.
        train_cpu_s: CPU seconds of a training, mean.
    """

    name: str
    by_seed: Mapping[int, float]
    accuracy: Estimate
    num_params: int
    mult_adds: int
    image_cpu_s: float
    train_cpu_s: float

    @property
    def points_per_mega_mult_add(self) -> float:
        """Accuracy in percent over millions of multiply-adds."""
        return 100 * self.accuracy.value / (self.mult_adds / _MEGA)

    @property
    def points_per_cpu_ms(self) -> float:
        """Accuracy in percent over CPU milliseconds for one image."""
        return 100 * self.accuracy.value / (self.image_cpu_s / _MILLI)


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
    by_name: dict[str, list[tuple[int, TrainedNetwork]]] = {}
    for task, network in trained(retrained, FINAL):
        name = WINNER if hash_of(task) == retrained.winner else task.name
        by_name.setdefault(name, []).append((task.seed, network))
    names = sorted(by_name, key=lambda name: name != WINNER)
    return {name: _score(name, by_name[name]) for name in names}


def comparisons(scores: Mapping[str, Score]) -> dict[str, Comparison]:
    """The winner against each other network; empty if it was not trained."""
    if WINNER not in scores:
        return {}
    winner = scores[WINNER]
    return {
        name: Comparison(
            name=name,
            gain=difference(winner.by_seed, other.by_seed),
            cost_ratio=winner.mult_adds / other.mult_adds,
            time_ratio=winner.image_cpu_s / other.image_cpu_s,
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
        found |= _named("top5_minus_random", against.gain)
        if against.gain.error is not None and against.control_error is not None:
            whole = math.hypot(against.gain.error, against.control_error)
            found["top5_minus_random_se_with_control"] = 100 * whole
        found["random_accuracy"] = 100 * against.control
    scores = final_scores(retrained)
    if WINNER in scores:
        found["winner_accuracy"] = 100 * scores[WINNER].accuracy.value
    for name, comparison in comparisons(scores).items():
        found |= _named(f"cell_minus_{name}", comparison.gain)
    return found


def _named(name: str, gain: Estimate) -> dict[str, float]:
    parts = {"": gain.value, "_se": gain.error, "_low": gain.low, "_high": gain.high}
    found = {f"{name}{end}": 100 * part for end, part in parts.items() if part is not None}
    in_errors = gain.in_errors
    return found if in_errors is None else found | {f"{name}_in_se": in_errors}


def _cell_means(
    pairs: Iterable[tuple[TrainTask, TrainedNetwork]],
) -> dict[tuple[str, str], float]:
    """Mean test accuracy by search and cell, over the trainings of the cell."""
    found: dict[tuple[str, str], list[float]] = {}
    for task, network in pairs:
        found.setdefault((task.search, hash_of(task)), []).append(network.test_accuracy)
    return {key: float(np.mean(values)) for key, values in found.items()}


def _score(name: str, runs: list[tuple[int, TrainedNetwork]]) -> Score:
    by_seed = {seed: network.test_accuracy for seed, network in runs}
    networks = [network for _, network in runs]
    return Score(
        name=name,
        by_seed=by_seed,
        accuracy=mean_estimate([*by_seed.values()]),
        num_params=networks[0].num_params,
        mult_adds=networks[0].mult_adds,
        image_cpu_s=float(np.mean([network.image_cpu_s for network in networks])),
        train_cpu_s=float(np.mean([network.train_cpu_s for network in networks])),
    )
