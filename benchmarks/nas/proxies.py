"""Do zero-cost proxies with earned weights help a search? Judged on tables, nothing is trained.

``proxies_<sample>_earned_gain``: mean accuracy, in points, of the best cell among 60 evaluations
by random search screened with earned weights, less that without screening; paired by seed, with
the 95 % t interval over seeds. ``…_earned_gain_se`` is the same in standard errors.
``proxies_<sample>_fixed_gain``: the same with the fixed sum of ranks of synflow, jacov and flops,
which is best on NAS-Bench-201 (screened from the first child on, since it needs none).
``proxies_<sample>_late_gain``: earned less none, of the mean accuracy of evaluations 21 to 60.

The samples are about 500 cells of a space each, with eleven scores and an accuracy: NAS-Bench-101,
201 on three data sets, 301 (the cells of DARTS); ``zc_nasbench*.json`` of automl/NASLib. A search
draws from its sample without replacement; screening takes the best of five.

``proxies_nb201_<data set>_<strategy>_gain``: gain of screening by the number of weights alone, in
mean test accuracy after 12 epochs of the best cell by validation among 105, over the whole table
of NAS-Bench-201, where the number of weights follows from the operations.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.bounds import print_table
from benchmarks.results_file import Figure
from tasks.core.errors import DataError
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.screened import Screened, best_proposal
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.search.tabular.judge import accuracy_curve
from tasks.nas.search.tabular.nasbench201 import DATA_SETS, OPERATIONS, SPACE, Table
from tasks.nas.space.decisions import Decisions, DecisionSpace
from tasks.report.estimates import Estimate, mean_estimate

Floats = npt.NDArray[np.float64]

NUM_EVALUATIONS, NUM_TABLE_EVALUATIONS = 60, 105
NUM_CANDIDATES, NUM_BLIND = 5, 20
FIXED = {"synflow": 1.0, "jacov": 1.0, "flops": 1.0}
_TARGET = "val_accuracy"
_WEIGHTS = {"nor_conv_3x3": 9.0, "nor_conv_1x1": 1.0}  # in units of channels squared
STRATEGIES: dict[str, Callable[[DecisionSpace, np.random.Generator], Searcher]] = {
    "random": RandomSearch,
    "evolution": Evolution,
}


@dataclass(frozen=True)
class Sample:
    """Cells of a space with their scores and accuracies.

    Attributes:
        name: E.g. ``nasbench301_cifar10``.
        scores: Of each cell, by proxy.
        accuracies: Of each, percent, (cells,).
    """

    name: str
    scores: tuple[Mapping[str, float], ...]
    accuracies: Floats


class Unseen:
    """Draws from a sample what was not evaluated and is not being evaluated."""

    def __init__(self, num: int, rng: np.random.Generator) -> None:
        """Begin with all of ``num`` cells."""
        self._left, self._rng = list(range(num)), rng

    def ask(self) -> Decisions:
        """Return a cell, which is then taken."""
        return (self._left.pop(int(self._rng.integers(len(self._left)))),)

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Put back a cell that was not evaluated."""
        if reward is None:
            self._left.append(child[0])


class FixedSum:
    """Screens by one fixed sum of ranks, whatever the children say."""

    def __init__(self, inner: Searcher, scores: Sequence[Mapping[str, float]]) -> None:
        """Wrap a search over a sample."""
        self._inner, self._scores = inner, scores

    def ask(self) -> Decisions:
        """Return the best of five."""
        return best_proposal(self._inner, NUM_CANDIDATES, lambda cell: self._scores[cell[0]], FIXED)

    def tell(self, child: Decisions, reward: float | None) -> None:
        """Pass it on."""
        self._inner.tell(child, reward)


def read_samples(folder: Path) -> list[Sample]:
    """Read all samples.

    Raises:
        DataError: A file is missing or is not of the form that is expected.
    """
    found = []
    for number in ("101", "201", "301"):
        path = folder / f"zc_nasbench{number}.json"
        try:
            content = json.loads(path.read_text("utf-8"))
            for space, by_data in content.items():
                for data_set, cells in by_data.items():
                    found.append(_sample(f"{space}_{data_set}".lower(), [*cells.values()]))
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path}: expected spaces, data sets and cells with scores and {_TARGET}: {error!r}"
            ) from error
    return found


def measure_samples(samples: Sequence[Sample], seeds: Sequence[int]) -> dict[str, Figure]:
    """Gains of screening random search on each sample."""
    figures: dict[str, Figure] = {}
    for sample in samples:
        runs = {
            name: np.array([_accuracies(make(sample, seed), sample) for seed in seeds])
            for name, make in _SEARCHERS.items()
        }
        best = {name: run.max(axis=1) for name, run in runs.items()}
        late = {name: run[:, NUM_BLIND:].mean(axis=1) for name, run in runs.items()}
        key = f"proxies_{sample.name}"
        figures |= _gain(f"{key}_earned", best["earned"] - best["none"])
        figures |= _gain(f"{key}_fixed", best["fixed"] - best["none"])
        figures |= _gain(f"{key}_late", late["earned"] - late["none"])
    return figures


def measure_table(table: Path, seeds: Sequence[int]) -> dict[str, Figure]:
    """Gains of screening by the number of weights, over all cells of NAS-Bench-201."""
    figures: dict[str, Figure] = {}
    for data_set in DATA_SETS:
        cells = Table.read(table, data_set).cells
        for name, make in STRATEGIES.items():
            gains = [
                accuracy_curve(screened, cells, NUM_TABLE_EVALUATIONS)[-1]
                - accuracy_curve(plain, cells, NUM_TABLE_EVALUATIONS)[-1]
                for seed in seeds
                for plain in [make(SPACE, np.random.default_rng(seed))]
                for screened in [Screened(make(SPACE, np.random.default_rng(seed)), num_weights)]
            ]
            figures |= _gain(f"proxies_nb201_{data_set}_{name}", np.array(gains))
    return figures


def num_weights(cell: Decisions) -> dict[str, float]:
    """Weights of a cell of NAS-Bench-201, in units of its channels squared."""
    return {"num_params": sum(_WEIGHTS.get(OPERATIONS[choice], 0.0) for choice in cell)}


def _screened(sample: Sample, seed: int) -> Searcher:
    inner = Unseen(len(sample.scores), np.random.default_rng(seed))
    return Screened(inner, lambda child: sample.scores[child[0]])


_SEARCHERS: dict[str, Callable[[Sample, int], Searcher]] = {
    "none": lambda sample, seed: Unseen(len(sample.scores), np.random.default_rng(seed)),
    "earned": _screened,
    "fixed": lambda sample, seed: FixedSum(
        Unseen(len(sample.scores), np.random.default_rng(seed)), sample.scores
    ),
}


def _sample(name: str, rows: Sequence[Mapping[str, Any]]) -> Sample:
    accuracies = np.array([float(row[_TARGET]) for row in rows])
    if not np.isfinite(accuracies).all():
        raise ValueError(f"{name} has accuracies that are not finite")
    scores = tuple(
        {key: float(value) for key, value in row.items() if key != _TARGET} for row in rows
    )
    return Sample(name, scores, accuracies)


def _accuracies(searcher: Searcher, sample: Sample) -> Floats:
    """Accuracies of the cells that a search evaluates, in order."""
    found = np.zeros(NUM_EVALUATIONS)
    for place in range(NUM_EVALUATIONS):
        child = searcher.ask()
        found[place] = sample.accuracies[child[0]]
        searcher.tell(child, found[place])
    return found


def _gain(name: str, gains: Floats) -> dict[str, Figure]:
    found: Estimate = mean_estimate([*map(float, gains)])
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    figures = {f"{name}_gain": Figure(value=found.value, unit="points", interval=ends)}
    in_errors = found.in_errors
    if in_errors is not None and math.isfinite(in_errors):
        figures[f"{name}_gain_se"] = Figure(value=in_errors, unit="", interval=None)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    shared = Path(__file__).parents[3] / "shared" / "data"
    data = Path(os.environ.get("ORRERY_TEST_DATA", shared)) / "nasbench"
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nas.proxies", description=__doc__)
    parser.add_argument("--seeds", type=int, default=60, help="searches of each kind")
    parser.add_argument("--data", type=Path, default=data, help="folder with the tables")
    given = parser.parse_args(arguments)
    seeds = range(given.seeds)
    figures = measure_samples(read_samples(given.data), seeds)
    figures |= measure_table(given.data / "nb201_12epochs.csv", seeds)
    print_table(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
