"""The parts of the comparison, one after the other; each reads what those before it kept."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.nas.comparison.costs import Costs, classifier_costs, detector_costs
from benchmarks.nas.comparison.figures import cost_figures, score_figures
from benchmarks.nas.comparison.kept import Result, best_by, run_all
from benchmarks.nas.comparison.settings import (
    CELLS,
    FULL,
    HAND_MADE,
    QUICK,
    RESNETS,
    Settings,
    backbones,
    classifiers,
)
from benchmarks.nas.comparison.trainings import Classify, Detect, test_accuracy, test_map
from benchmarks.nas.estimated import plain
from benchmarks.own_process import OwnProcess
from benchmarks.parts import FOLDER, kept
from benchmarks.results_file import Figure

ROOT = FOLDER / "nas_comparison"
_LAST = 0.1  # share of a curve whose gain says whether it is flat

TrainingT = TypeVar("TrainingT", Classify, Detect)


@dataclass(frozen=True)
class Run:
    """A run of the comparison.

    Attributes:
        settings: What it spends.
        data: Folder of the photos.
        root: Folder of what it keeps.
    """

    settings: Settings
    data: str
    root: Path

    def costs(self) -> tuple[dict[str, Costs], dict[str, Costs]]:
        """Costs of classifiers and of detectors, measured once."""
        first, second = kept(self.root / "costs.json", self._measured)
        return _costs(first), _costs(second)

    def _measured(self) -> list[dict[str, Any]]:
        with OwnProcess() as process:
            kinds = [
                process.call(measure, self.settings).value
                for measure in (classifier_costs, detector_costs)
            ]
        return [{name: asdict(each) for name, each in kind.items()} for kind in kinds]

    def rates(self) -> dict[str, float]:
        """Learning rate of each classifier, by validation photos, seed 0."""
        settings = self.settings
        tried = {
            name: [self.classify(name, rate, 0) for rate in settings.rates]
            for name in classifiers(settings)
            if name == HAND_MADE or name not in RESNETS
        }
        found = {name: each.rate for name, each in self._best(tried).items()}
        # Wider ResNets are trained as the one that the cells are compared with.
        return found | dict.fromkeys(RESNETS, found[HAND_MADE])

    def detector_rates(self) -> dict[str, float]:
        """The same of each detector, by validation scenes."""
        rates = self.rates()
        tried = {
            name: [
                Detect(self.classify(name, rates[name], 0), rate)
                for rate in self.settings.detector_rates
            ]
            for name in backbones()
        }
        return {name: each.rate for name, each in self._best(tried).items()}

    def classify(self, name: str, rate: float, seed: int) -> Classify:
        """One training of a classifier."""
        return Classify(name, rate, seed, self.settings, self.data)

    def trained(
        self, make: Callable[[str, int], TrainingT], seeds: Mapping[str, int]
    ) -> dict[str, dict[int, tuple[TrainingT, Result]]]:
        """Run trainings of networks with their seeds; by network and seed."""
        wanted = [(name, seed) for name, number in seeds.items() for seed in range(number)]
        trainings = [make(*each) for each in wanted]
        results = run_all(trainings, self.root)
        found: dict[str, dict[int, tuple[TrainingT, Result]]] = defaultdict(dict)
        for (name, seed), training, result in zip(wanted, trainings, results, strict=True):
            found[name][seed] = training, result
        return dict(found)

    def _best(self, tried: Mapping[str, Sequence[TrainingT]]) -> dict[str, TrainingT]:
        results = iter(run_all([each for group in tried.values() for each in group], self.root))
        return {
            name: best_by(group, [next(results) for _ in group], lambda each: each["curve"][-1])
            for name, group in tried.items()
        }


@contextmanager
def opened(data: Path, *, quick: bool) -> Iterator[Run]:
    """A run; what a quick one keeps is gone after it.

    Args:
        data: Folder of the data sets.
        quick: Whether to run it small, which says nothing but that it runs.
    """
    photos = str(data / "imagenette_sub")
    if not quick:
        yield Run(FULL, photos, ROOT)
        return
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        yield Run(QUICK, photos, Path(folder))


def measure_costs(run: Run) -> dict[str, Figure]:
    """Part `comparison_costs`."""
    of_classifiers, of_detectors = run.costs()
    return cost_figures(of_classifiers, "classifier") | cost_figures(of_detectors, "detector")


def measure_rates(run: Run) -> dict[str, Figure]:
    """Part `comparison_rates`."""
    return {f"classifier_rate_{name}": plain(rate, "") for name, rate in run.rates().items()}


def measure_accuracy(run: Run) -> dict[str, Figure]:
    """Part `comparison_acc`."""
    rates = run.rates()
    found = run.trained(
        lambda name, seed: run.classify(name, rates[name], seed), classifiers(run.settings)
    )
    scores = _tested(found, test_accuracy, run.root)
    return score_figures(scores, run.costs()[0], "acc") | _flat(found, "acc")


def measure_doubled(run: Run) -> dict[str, Figure]:
    """Part `comparison_doubled`."""
    rates, names = run.rates(), dict.fromkeys((CELLS, HAND_MADE), 1)
    recipe = run.settings.recipe
    longer = replace(run.settings, recipe=replace(recipe, num_epochs=2 * recipe.num_epochs))
    doubled = replace(run, settings=longer)
    once = run.trained(lambda name, seed: run.classify(name, rates[name], seed), names)
    twice = run.trained(lambda name, seed: doubled.classify(name, rates[name], seed), names)
    gains = {name: twice[name][0][1]["curve"][-1] - once[name][0][1]["curve"][-1] for name in names}
    return {
        f"doubled_epochs_gain_{name}": plain(100 * gain, "points") for name, gain in gains.items()
    }


def measure_map(run: Run) -> dict[str, Figure]:
    """Part `comparison_map`."""
    seeds = dict.fromkeys(backbones(), run.settings.few_seeds)
    rates = run.rates()
    begun = run.trained(lambda name, seed: run.classify(name, rates[name], seed), seeds)
    chosen = run.detector_rates()
    found = run.trained(lambda name, seed: Detect(begun[name][seed][0], chosen[name]), seeds)
    scores = _tested(found, test_map, run.root)
    return (
        score_figures(scores, run.costs()[1], "map")
        | _flat(found, "map")
        | {f"detector_rate_{name}": plain(rate, "") for name, rate in chosen.items()}
    )


def _tested(
    found: Mapping[str, Mapping[int, tuple[TrainingT, Result]]],
    score: Callable[[TrainingT, Path], float],
    root: Path,
) -> dict[str, dict[int, float]]:
    """Scores on the test split, which nothing else looks at."""
    with OwnProcess() as process:
        return {
            name: {
                seed: process.call(score, training, root).value
                for seed, (training, _) in by_seed.items()
            }
            for name, by_seed in found.items()
        }


def _flat(
    found: Mapping[str, Mapping[int, tuple[TrainingT, Result]]], kind: str
) -> dict[str, Figure]:
    """What the last tenth of the curves gained, on the validation split, mean over seeds."""
    figures = {}
    for name, by_seed in found.items():
        curves = [result["curve"] for _, result in by_seed.values()]
        before = max(0, len(curves[0]) - 1 - max(1, round(_LAST * len(curves[0]))))
        gain = float(np.mean([curve[-1] - curve[before] for curve in curves]))
        figures[f"last_tenth_gain_{kind}_{name}"] = plain(100 * gain, "points")
    return figures


def _costs(kept: Mapping[str, Mapping[str, float]]) -> dict[str, Costs]:
    return {name: Costs(**each) for name, each in kept.items()}  # type: ignore[arg-type]
