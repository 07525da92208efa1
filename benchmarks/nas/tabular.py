"""Search strategies judged on NAS-Bench-201, without training anything.

``nb201_<data set>_<strategy>``: mean test accuracy after 12 epochs, in percent, of the cell with
the best validation accuracy after 12 epochs among 105 evaluations; the interval is the mean's 95 %
t interval over the seeds. A child that a strategy asks for again counts as an evaluation again.
``nb201_<data set>_<strategy>_gain_se``: how many standard errors the mean lies above random's.
The strategies' configs are their defaults, chosen on seeds from 100 on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks.results_file import Figure
from tasks.nas.search.strategies.evolution import Evolution
from tasks.nas.search.strategies.ppo import Ppo
from tasks.nas.search.strategies.predictor import Predictor
from tasks.nas.search.strategies.random_search import RandomSearch
from tasks.nas.search.strategies.searcher import Searcher
from tasks.nas.search.tabular.judge import accuracy_curve
from tasks.nas.search.tabular.nasbench201 import DATA_SETS, SPACE, Table
from tasks.nas.space.decisions import DecisionSpace

NUM_EVALUATIONS = 105
STRATEGIES: dict[str, Callable[[DecisionSpace, np.random.Generator], Searcher]] = {
    "random": RandomSearch,
    "evolution": Evolution,
    "predictor": Predictor,
    "ppo": Ppo,
}
TITLES = {"c10": "CIFAR-10", "c100": "CIFAR-100", "in16": "ImageNet16-120"}
Curves = dict[str, dict[str, npt.NDArray[np.float64]]]


def measure(table: Path, seeds: Sequence[int]) -> Curves:
    """Search with each strategy on each data set.

    Args:
        table: CSV file; see `tasks.nas.search.tabular.nasbench201`.
        seeds: One search each.

    Returns:
        By data set and strategy the test accuracy of the best cell so far, (seeds, evaluations).
    """
    curves: Curves = {}
    for data_set in DATA_SETS:
        cells = Table.read(table, data_set).cells
        curves[data_set] = {
            name: np.stack(
                [
                    accuracy_curve(make(SPACE, np.random.default_rng(seed)), cells, NUM_EVALUATIONS)
                    for seed in seeds
                ]
            )
            for name, make in STRATEGIES.items()
        }
    return curves


def figures(curves: Curves) -> dict[str, Figure]:
    """Means after the last evaluation, and their distances from random's."""
    found: dict[str, Figure] = {}
    for data_set, by_strategy in curves.items():
        last = {name: curve[:, -1] for name, curve in by_strategy.items()}
        found |= mean_figures(f"nb201_{data_set}", last)
    return found


def mean_figures(key: str, last: Mapping[str, npt.NDArray[np.float64]]) -> dict[str, Figure]:
    """Means of what searches found, and their distances from random's.

    Args:
        key: What the figures' names begin with.
        last: By strategy what each seed found, (seeds,), percent.
    """
    found: dict[str, Figure] = {}
    control = last["random"]
    for name, values in last.items():
        error = stats.sem(values)
        reach = error * stats.t.ppf(0.975, len(values) - 1)
        mean = float(values.mean())
        ends = mean - reach, mean + reach
        found[f"{key}_{name}"] = Figure(value=mean, unit="%", interval=ends)
        if name != "random":
            gain = (mean - control.mean()) / np.hypot(error, stats.sem(control))
            found[f"{key}_{name}_gain_se"] = Figure(value=float(gain), unit="", interval=None)
    return found


def draw(curves: Curves, path: Path) -> None:
    """Draw the mean curves with the band in which 80 % of the searches lie."""
    figure, axes = plt.subplots(1, len(curves), figsize=(12, 3.6), layout="constrained")
    for axis, (data_set, by_strategy) in zip(axes, curves.items(), strict=True):
        for name, curve in by_strategy.items():
            x = np.arange(1, curve.shape[1] + 1)
            (line,) = axis.plot(x, curve.mean(axis=0), label=name)
            low, high = np.percentile(curve, [10, 90], axis=0)
            axis.fill_between(x, low, high, color=line.get_color(), alpha=0.08, linewidth=0)
        final = [curve[:, -1].mean() for curve in by_strategy.values()]
        first = by_strategy["random"][:, 9].mean()
        axis.set(title=TITLES[data_set], xlabel="evaluations", ylim=(first, None))
        axis.set_ylim(top=max(final) + 0.4 * (max(final) - first))
    axes[0].set_ylabel("test accuracy of the best cell so far, %")
    axes[-1].legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=90)
    plt.close(figure)
