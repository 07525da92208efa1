"""Measures architecture search: ``make bench NAME=nas``, ``QUICK=1`` for a short run.

    python -m benchmarks.nas [--quick] [--parts models,tabular,children,children_16px,speedup,…]

Parts may be measured one by one; the results file holds those that are there, and all but
those of `EARLIER` must be of one commit. The seeds that it names are those of the part
`tabular`.

- `models`, `tabular`: see `benchmarks.nas.models` and `benchmarks.nas.tabular`.
- ``children_ratio``, ``children_ratio_channels_last`` (part `children`): CPU seconds of a child
  in a straightforward PyTorch loop, and by the channels_last recipe, over ours; geometric means
  over twenty fixed cells at 8 px, with a 95 % interval by resampling cells; see
  `benchmarks.nas.baseline`. The same with ``_16px`` (part `children_16px`), where a share of each
  training is timed: `benchmarks.nas.children` says which.
- ``children_per_core_hour``, ``children_per_core_hour_16px``: ours, over the same cells, with
  evaluation; ``child_kernels``: a child's CPU seconds in multiples of the convolution kernel that
  is timed in the same run, whose bound was fixed as such.
- ``child_accuracy_…``: mean validation accuracy; ``accuracy_minus_…_se``: mean of ours less
  another's, in standard errors of one child's accuracy.
- ``speedup_2_workers`` (part `speedup`): wall time of one warm worker over two, same work of at
  least 60 s, five interleaved pairs, median and range; ``speedup_2_bare_processes``: the same
  without Ray, three pairs.
- ``share_…``, ``step_gflops``, ``gemm_gflops`` (part `shares`): where the time of a step goes and
  what the limit is; see `benchmarks.nas.shares`.
- ``search_overhead_share`` (part `overhead`): see `benchmarks.nas.overhead`.
- `replay`: strategies in the NASNet space, see `benchmarks.nas.replay`; takes a quarter of an hour.
- `search`, `search_predictor`, `search_ppo`, `transfer`: see `benchmarks.nas.search` and
  `benchmarks.nas.transfer`; `comparison_…`: see `benchmarks.nas.comparison`. They take long; their
  figures name their commit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import speedup
from benchmarks.bounds import Bounds
from benchmarks.command import Benchmark, Measure, run
from benchmarks.nas import children as nas_children
from benchmarks.nas import models as nas_models
from benchmarks.nas import overhead as nas_overhead
from benchmarks.nas import replay as nas_replay
from benchmarks.nas import search as nas_search
from benchmarks.nas import shares as nas_shares
from benchmarks.nas import speedup as nas_speedup
from benchmarks.nas import tabular as nas_tabular
from benchmarks.nas import transfer as nas_transfer
from benchmarks.nas.comparison import parts as nas_comparison
from benchmarks.nas.comparison.plot import comparison_plot
from benchmarks.nas.convolution_kernel import CHILD_BOUND_MULTIPLE
from benchmarks.own_process import OwnProcess
from benchmarks.parts import is_measured
from benchmarks.results_file import RESULTS_DIR, Figure
from operators.installation import ROOT
from tasks.nas.search.tabular.nasbench201 import DATA_SETS

NAME = "nas"
DATA = Path(os.environ.get("ORRERY_TEST_DATA", ROOT.parent / "shared" / "data"))
CIFAR, TABLE = DATA / "cifar10", DATA / "nasbench" / "nb201_12epochs.csv"
NUM_SEEDS, NUM_QUICK_SEEDS = 60, 10
INFINITE = float("inf")

# What must hold: least and greatest allowed value of a figure. Learning strategies lie more than
# two standard errors above random search.
BOUNDS: Bounds = {
    **{
        f"nb201_{data_set}_{name}_gain_se": (2.0, INFINITE)
        for data_set in DATA_SETS
        for name in ("predictor", "ppo", "evolution")
    },
    "nasnet_a_params_error": (-0.01, 0.01),
    "nasnet_a_mult_adds_error": (-0.01, 0.01),
    "children_ratio": (6.0, INFINITE),
    "children_ratio_16px": (4.0, INFINITE),
    "children_ratio_channels_last": (1.1, INFINITE),
    "child_kernels": (0.0, CHILD_BOUND_MULTIPLE),
    "accuracy_minus_plain_se": (-1.0, 1.0),
    "accuracy_minus_channels_last_se": (-1.0, 1.0),
    "speedup_2_workers": (1.85, INFINITE),
    "search_overhead_share": (0.0, 0.03),
}
# Their value is judged; of the others the whole interval must hold.
BY_VALUE = (
    "children_ratio",
    "children_ratio_16px",
    "children_ratio_channels_last",
    "accuracy_minus_plain_se",
    "accuracy_minus_channels_last_se",
    "speedup_2_workers",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if a bound is missed."""
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=range(NUM_SEEDS),
        bounds=BOUNDS,
        quick_bounds={},
        by_value=BY_VALUE,
        earlier=EARLIER,
        finish=finish,
    )
    return run(benchmark, arguments)


def finish(measured: dict[str, Figure]) -> dict[str, Figure]:
    """Add the share of the search's own work, and draw the comparison if it was measured."""
    figures = dict(measured)
    if {"overhead_cpu_s", "children_per_core_hour"} <= figures.keys():
        figures["search_overhead_share"] = _overhead_share(figures)
    drawn = ("comparison_costs", "comparison_acc", "comparison_map")
    if all(is_measured(NAME, part) for part in drawn):
        (RESULTS_DIR / "nas_comparison.png").write_bytes(comparison_plot(figures))
    return figures


def _models(quick: bool) -> dict[str, Figure]:  # noqa: ARG001
    return nas_models.figures()


def _tabular(quick: bool) -> dict[str, Figure]:
    seeds = range(NUM_QUICK_SEEDS if quick else NUM_SEEDS)
    with OwnProcess() as process:  # of one thread: PPO's small products gain nothing from more
        curves = process.call(nas_tabular.measure, TABLE, seeds).value
    if not quick:
        nas_tabular.draw(curves, RESULTS_DIR / "nas_tabular.png")
    return nas_tabular.figures(curves)


def _children(quick: bool) -> dict[str, Figure]:
    return nas_children.measure(CIFAR, nas_children.QUICK if quick else nas_children.FULL)


def _children_16px(quick: bool) -> dict[str, Figure]:
    return nas_children.measure_16px(CIFAR, nas_children.QUICK if quick else nas_children.FULL)


def _speedup(quick: bool) -> dict[str, Figure]:
    if quick:
        return nas_speedup.measure(CIFAR, speedup.QUICK_PAIRS, speedup.QUICK_WORK_S)
    return nas_speedup.measure(CIFAR, speedup.FULL_PAIRS, speedup.FULL_WORK_S)


def _shares(quick: bool) -> dict[str, Figure]:
    num_steps = nas_shares.QUICK_STEPS if quick else nas_shares.FULL_STEPS
    with OwnProcess() as process:
        return process.call(nas_shares.measure, num_steps).value


def _overhead(quick: bool) -> dict[str, Figure]:
    size = nas_overhead.QUICK_CHILDREN if quick else nas_overhead.FULL_CHILDREN
    return nas_overhead.measure(CIFAR, size)


def _overhead_share(figures: Mapping[str, Figure]) -> Figure:
    child_s = 3600 / figures["children_per_core_hour"].value
    return nas_overhead.share(figures["overhead_cpu_s"].value, nas_overhead.FULL_CHILDREN, child_s)


def _replay(quick: bool) -> dict[str, Figure]:
    return nas_replay.measure(CIFAR, range(2 if quick else NUM_SEEDS), quick=quick)


def _search(quick: bool) -> dict[str, Figure]:
    return nas_search.measure(CIFAR, quick=quick)


def _search_predictor(quick: bool) -> dict[str, Figure]:
    return nas_search.measure_beside("predictor", CIFAR, quick=quick)


def _search_ppo(quick: bool) -> dict[str, Figure]:
    return nas_search.measure_beside("ppo", CIFAR, quick=quick)


def _transfer(quick: bool) -> dict[str, Figure]:
    return nas_transfer.measure(DATA, quick=quick)


def _compared(measure: Callable[[nas_comparison.Run], dict[str, Figure]]) -> Measure:
    def part(quick: bool) -> dict[str, Figure]:
        with nas_comparison.opened(DATA, quick=quick) as run:
            return measure(run)

    return part


# In this order: what is timed comes first, while nothing else runs.
PARTS: dict[str, Measure] = {
    "children": _children,
    "children_16px": _children_16px,
    "speedup": _speedup,
    "shares": _shares,
    "overhead": _overhead,
    "models": _models,
    "tabular": _tabular,
    "replay": _replay,
    "search": _search,
    "search_predictor": _search_predictor,
    "search_ppo": _search_ppo,
    "transfer": _transfer,
    "comparison_costs": _compared(nas_comparison.measure_costs),
    "comparison_rates": _compared(nas_comparison.measure_rates),
    "comparison_acc": _compared(nas_comparison.measure_accuracy),
    "comparison_doubled": _compared(nas_comparison.measure_doubled),
    "comparison_map": _compared(nas_comparison.measure_map),
}
EARLIER = (
    *("replay", "search", "search_predictor", "search_ppo", "transfer"),
    *(name for name in PARTS if name.startswith("comparison_")),
)


if __name__ == "__main__":
    sys.exit(main())
