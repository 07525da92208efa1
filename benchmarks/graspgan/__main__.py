"""Measures `train_graspgan`: ``make bench NAME=graspgan``, ``QUICK=1`` for a short run.

    python -m benchmarks.graspgan [--quick] [--parts steps,workers,full,table]

Parts may be measured one by one; the results file holds those that are there, and each figure of
a part but `steps` names its commit.

- `steps`: a step of C and of GraspGAN beside plain loops, see `benchmarks.graspgan.steps`.
- `workers`: two processes over one, see `benchmarks.graspgan.workers`.
- `full`: what the example of the paper's sizes would take, see `benchmarks.graspgan.full_size`.
- `table`: what finished runs came to, see `benchmarks.graspgan.table`; their artifacts are looked
  for below the folder that the environment's ``ORRERY_GRASPGAN_RUNS`` names, else `artifacts/`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bounds import Bounds
from benchmarks.command import Benchmark, Measure, run
from benchmarks.graspgan import full_size as graspgan_full_size
from benchmarks.graspgan import steps as graspgan_steps
from benchmarks.graspgan import table as graspgan_table
from benchmarks.graspgan import workers as graspgan_workers
from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from operators.installation import ROOT

NAME = "graspgan"
RUNS = Path(os.environ.get("ORRERY_GRASPGAN_RUNS", ROOT / "artifacts"))
SEEDS = (0,)
INFINITE = float("inf")

# What must hold: least and greatest allowed value of a figure.
BOUNDS: Bounds = {
    "step_time_ratio": (1.0, INFINITE),
    "loader_share": (0.0, 0.05),
    "train_speedup_2_workers": (1.7, INFINITE),
    "sim_minus_mask": (0.0, INFINITE),
}
# Its value is judged; of the others the whole interval must hold.
BY_VALUE = ("train_speedup_2_workers",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if a bound is missed."""
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=SEEDS,
        bounds=BOUNDS,
        quick_bounds={},
        by_value=BY_VALUE,
        earlier=EARLIER,
    )
    return run(benchmark, arguments)


def _steps(quick: bool) -> dict[str, Figure]:
    turns = graspgan_steps.QUICK if quick else graspgan_steps.FULL
    with OwnProcess() as process:
        return process.call(graspgan_steps.measure, turns).value


def _workers(quick: bool) -> dict[str, Figure]:
    if quick:
        return graspgan_workers.measure(graspgan_workers.QUICK_PAIRS, graspgan_workers.QUICK_WORK_S)
    return graspgan_workers.measure(graspgan_workers.FULL_PAIRS, graspgan_workers.FULL_WORK_S)


def _full(quick: bool) -> dict[str, Figure]:  # noqa: ARG001
    with OwnProcess() as process:
        return process.call(graspgan_full_size.measure).value


def _table(quick: bool) -> dict[str, Figure]:  # noqa: ARG001
    return graspgan_table.measure(RUNS)


# In this order: what is timed comes first, while nothing else runs.
PARTS: dict[str, Measure] = {
    "steps": _steps,
    "workers": _workers,
    "full": _full,
    "table": _table,
}
EARLIER = ("workers", "full", "table")


if __name__ == "__main__":
    sys.exit(main())
