"""Measure architecture search: ``make bench NAME=nas``, ``QUICK=1`` for a short run.

What the figures mean stands in the modules that measure them: `benchmarks.nas_models`,
`benchmarks.nas_tabular`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import nas_models, nas_tabular
from benchmarks.bounds import Bounds, print_table, report_bounds
from benchmarks.results_file import RESULTS_DIR, write_results
from tasks.nas.search.nasbench201 import DATA_SETS

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("ORRERY_TEST_DATA", ROOT.parent / "shared" / "data"))
NUM_SEEDS, NUM_QUICK_SEEDS = 60, 10
# Learning strategies lie more than two standard errors above random search.
BOUNDS: Bounds = {
    f"nb201_{data_set}_{name}_gain_se": (2.0, float("inf"))
    for data_set in DATA_SETS
    for name in ("ppo", "evolution")
} | {f"nasnet_a_{what}_error": (-0.01, 0.01) for what in ("params", "mult_adds")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nas", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few seeds; writes no results file")
    parser.add_argument(
        "--table", type=Path, default=DATA / "nasbench" / "nb201_12epochs.csv", help="CSV file"
    )
    given = parser.parse_args(arguments)
    seeds = range(NUM_QUICK_SEEDS if given.quick else NUM_SEEDS)
    curves = nas_tabular.measure(given.table, seeds)
    figures = nas_models.figures() | nas_tabular.figures(curves)
    print_table(figures)
    if not given.quick:
        nas_tabular.draw(curves, RESULTS_DIR / "nas_tabular.png")
        write_results("nas", "make bench NAME=nas", seeds, figures)
    return 1 if report_bounds(figures, BOUNDS, quick=given.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
