"""Search strategies judged in the NASNet space, by replaying children that were trained once.

    python -m benchmarks.nas.replay [--minutes M]

trains children of the first rung of the proxy ``8px`` and keeps each as soon as it has ended, so
that a run that was cut off, or whose minutes are over, goes on. Half of them are drawn uniformly,
half proposed by evolution, so that good regions are known too; one in fifteen is trained twice.

No table can hold 10^27 cells. What the strategies are told is a surrogate, as in J. Siems et al.,
"NAS-Bench-301 and the Case for Surrogate Benchmarks", 2020: kernel ridge regression (Gaussian
kernel) on how often each operation reads an input or a block, on depth and on concatenated blocks
of both cells. It shares neither features nor kernel with the strategy `predictor`. A child's
validation accuracy is its prediction and a normal error as large as that between two trainings
of a cell; the error is a function of the cell. What counts at the end is the prediction.

``replay_children``: children that the surrogate rests on. ``replay_spearman``: rank correlation
of accuracies with predictions by ten-fold cross-validation, bootstrap interval; width and ridge
are chosen on the same folds, by squared error. ``replay_noise``: the error, in points.
``replay_<strategy>``: mean predicted accuracy, in percent, of the cell with the best validation
accuracy among 105 evaluations; ``replay_<strategy>_gain_se``: see `benchmarks.nas.tabular`.

What it shows is which strategy climbs best on a smooth landscape that resembles this space as far
as ``replay_spearman`` says. It says nothing of cells that are better than all that were trained,
and the landscape has no more detail than a few hundred children give.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.bounds import print_table
from benchmarks.nas.children import child_job, train_cells
from benchmarks.nas.tabular import STRATEGIES, mean_figures
from benchmarks.own_process import OwnProcess
from benchmarks.parts import FOLDER
from benchmarks.results_file import Figure
from tasks.core.seeds import digest64
from tasks.nas.search.budgets import PROXIES
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.search.tabular.judge import accuracy_curve
from tasks.nas.search.tabular.nasbench201 import Accuracies
from tasks.nas.space.canonical import canonical
from tasks.nas.space.decisions import Decisions
from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.types import NASNET_OPERATIONS, NUM_INPUTS, Cell
from tasks.report.estimates import spearman

Floats = npt.NDArray[np.float64]

NUM_CHILDREN, NUM_QUICK_CHILDREN = 300, 6
NUM_EVALUATIONS = 105
SPACE = GenotypeSpace()
CHILDREN = FOLDER / "nas_replay" / "children.jsonl"
_RUNG = PROXIES["8px"][0]
_TWICE_IN, _NUM_FOLDS, _POINTS = 15, 10, 100.0
_WIDTHS = (0.5, 1.0, 2.0, 4.0)  # of the kernel, in units of the median distance
_RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Told:
    """A child that was trained.

    Attributes:
        decisions: The child.
        replicate: 0, or 1 for the second training.
        accuracy: On the validation images, percent.
        cpu_s: CPU seconds that it took.
    """

    decisions: Decisions
    replicate: int
    accuracy: float
    cpu_s: float


def read_children(path: Path) -> list[Told]:
    """Children that were kept, in their order; none where there is no file.

    A last line that a kill cut short is left out.
    """
    text = path.read_text() if path.is_file() else ""
    rows = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [Told(**{**row, "decisions": tuple(row["decisions"])}) for row in rows]


def num_trainings(num_children: int) -> int:
    """Trainings of so many children, some of which are trained twice."""
    return num_children + max(1, num_children // _TWICE_IN)


def wanted(num_children: int, known: Sequence[Told]) -> Iterator[tuple[Decisions, int]]:
    """Children and replicates that are not known, as long as all that were yielded become known.

    Args:
        num_children: How many in all.
        known: What was trained, in order; read as it grows.

    Raises:
        ValueError: What is known is another sequence of children.
    """
    draws = RandomSearch(SPACE.decisions, np.random.default_rng(0))
    evolution = Evolution(SPACE.decisions, np.random.default_rng(1))
    for number in range(num_children):
        searcher: Searcher = draws if number < num_children // 2 else evolution
        child = searcher.ask()
        if number >= len(known):
            yield child, 0
        if known[number].decisions != child:
            raise ValueError(f"child {number} is not the one that {num_children} children have")
        searcher.tell(child, known[number].accuracy)
    for number in range(len(known), num_trainings(num_children)):
        yield known[number - num_children].decisions, 1


def train(
    data: Path, num_children: int, path: Path = CHILDREN, minutes: float = np.inf
) -> list[Told]:
    """Train what is missing; returns all that is known.

    Args:
        data: Folder with CIFAR-10.
        num_children: How many; the file holds them for one such number.
        path: Where they are kept.
        minutes: After so many no further child begins.
    """
    known = read_children(path)
    folder = path.parent / "images"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_line(each) for each in known))  # without a line that was cut short
    end_s = time.monotonic() + 60 * minutes
    if len(known) == num_trainings(num_children):
        return known
    with OwnProcess() as process:
        job = process.call(child_job, data, _RUNG, folder).value
        for child, replicate in wanted(num_children, known):
            if time.monotonic() > end_s:
                break
            seed = digest64(f"{child}/{replicate}") >> 1
            found = process.call(train_cells, canonical(SPACE.genotype(child)), job, seed).value
            known.append(Told(child, replicate, _POINTS * found.accuracy, found.cpu_s))
            with path.open("a") as file:
                file.write(_line(known[-1]))
    return known


def features(child: Decisions) -> Floats:
    """What the surrogate sees of a child, equal for isomorphic ones."""
    genotype = canonical(SPACE.genotype(child))
    return np.array([*_of_cell(genotype.normal), *_of_cell(genotype.reduce)])


class Surrogate(dict[Decisions, Accuracies]):
    """A table of all children: what the regression predicts; see the module."""

    def __init__(self, known: Sequence[Told]) -> None:
        """Fit it to children that were trained."""
        super().__init__()
        once = [each for each in known if each.replicate == 0]
        raw = np.stack([features(each.decisions) for each in once])
        self._centre, self._scale = raw.mean(axis=0), raw.std(axis=0) + 1e-9
        self._seen = (raw - self._centre) / self._scale
        self.accuracies = np.array([each.accuracy for each in once])
        self.noise = _noise(known)
        far = np.sqrt(_squares(self._seen, self._seen))
        self._median = float(np.median(far[np.triu_indices(len(far), 1)]))
        tried = [(width, ridge) for width in _WIDTHS for ridge in _RIDGES]
        self._chosen = min(tried, key=lambda each: self._error(*each))
        every = np.arange(len(once))
        self._weights = self._fit(every, *self._chosen)

    def held_out(self) -> Floats:
        """Predictions of the children by cross-validation, (n,)."""
        return self._held_out(*self._chosen)

    def __missing__(self, child: Decisions) -> Accuracies:
        """Predict a child."""
        seen = (features(child) - self._centre) / self._scale
        near = self._kernel(seen[None], self._seen, self._chosen[0])
        value = float(self.accuracies.mean() + (near @ self._weights)[0])
        error = np.random.default_rng(digest64(str(child))).normal(0, self.noise)
        self[child] = Accuracies(validation=value + error, test=value)
        return self[child]

    def _held_out(self, width: float, ridge: float) -> Floats:
        found = np.zeros(len(self.accuracies))
        folds = np.random.default_rng(0).permutation(len(found)) % _NUM_FOLDS
        for fold in range(_NUM_FOLDS):
            rest, out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            near = self._kernel(self._seen[out], self._seen[rest], width)
            found[out] = self.accuracies[rest].mean() + near @ self._fit(rest, width, ridge)
        return found

    def _error(self, width: float, ridge: float) -> float:
        return float(np.square(self._held_out(width, ridge) - self.accuracies).mean())

    def _fit(self, rows: npt.NDArray[np.int64], width: float, ridge: float) -> Floats:
        gram = self._kernel(self._seen[rows], self._seen[rows], width)
        values = self.accuracies[rows]
        solved: Floats = np.linalg.solve(gram + ridge * np.eye(len(rows)), values - values.mean())
        return solved

    def _kernel(self, one: Floats, other: Floats, width: float) -> Floats:
        found: Floats = np.exp(-_squares(one, other) / (2 * (width * self._median) ** 2))
        return found


def figures(known: Sequence[Told], seeds: Sequence[int]) -> dict[str, Figure]:
    """Fit the surrogate, and let all strategies search on it."""
    table = Surrogate(known)
    pairs = np.stack([table.held_out(), table.accuracies], axis=1)
    agreement = spearman(pairs, np.random.default_rng(0))
    ends = None if agreement.low is None else (agreement.low, agreement.high or 1.0)
    last = {
        name: np.array(
            [
                accuracy_curve(
                    make(SPACE.decisions, np.random.default_rng(seed)), table, NUM_EVALUATIONS
                )[-1]
                for seed in seeds
            ]
        )
        for name, make in STRATEGIES.items()
    }
    return {
        "replay_children": Figure(value=len(table.accuracies), unit="", interval=None),
        "replay_spearman": Figure(value=agreement.value, unit="", interval=ends),
        "replay_noise": Figure(value=table.noise, unit="points", interval=None),
        **mean_figures("replay", last),
    }


def measure(data: Path, seeds: Sequence[int], *, quick: bool) -> dict[str, Figure]:
    """Train what is missing, and judge."""
    num_children = NUM_QUICK_CHILDREN if quick else NUM_CHILDREN
    path = FOLDER / "nas_replay_quick" / CHILDREN.name if quick else CHILDREN
    known = train(data, num_children, path)
    with OwnProcess() as process:
        return process.call(figures, known, seeds).value


def _of_cell(cell: Cell) -> list[float]:
    counts = Counter(
        (edge.operation, edge.source < NUM_INPUTS) for block in cell.blocks for edge in block.edges
    )
    depths = [0.0] * NUM_INPUTS
    for block in cell.blocks:
        depths.append(1 + max(depths[edge.source] for edge in block.edges))
    by_operation = [float(counts[o, reads]) for o in NASNET_OPERATIONS for reads in (True, False)]
    return [*by_operation, max(depths), float(len(cell.concat))]


def _squares(one: Floats, other: Floats) -> Floats:
    found: Floats = np.square(one[:, None] - other[None]).sum(axis=2)
    return found


def _noise(known: Sequence[Told]) -> float:
    """Deviation of one training's accuracy, by children that were trained twice; points."""
    first = {each.decisions: each.accuracy for each in known if each.replicate == 0}
    apart = [each.accuracy - first[each.decisions] for each in known if each.replicate]
    return float(np.sqrt(np.mean(np.square(apart)) / 2)) if apart else 0.0


def _line(child: Told) -> str:
    return json.dumps(asdict(child)) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train children for some minutes; print the figures once all are there."""
    from benchmarks.nas.__main__ import CIFAR, NUM_SEEDS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.nas.replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=np.inf, help="then no more begin")
    given = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    known = train(CIFAR, NUM_CHILDREN, minutes=given.minutes)
    print(f"{len(known)} of {num_trainings(NUM_CHILDREN)} trainings")
    if len(known) == num_trainings(NUM_CHILDREN):
        print_table(measure(CIFAR, range(NUM_SEEDS), quick=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
