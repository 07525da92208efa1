"""Measures what the mechanism costs, whatever it runs.

    python -m benchmarks.platform [--quick] [--parts ways,imports,hostile]

The same work, three stages of half a second, in each way (`benchmarks.platform.ways`):

- ``overhead_s_WAY``: wall seconds of a run beyond its work; ``overhead_stage_s_WAY``: of a stage;
  ``overhead_share_WAY``: of a run, over ten minutes. Medians and ranges of the rounds. Ways:
  ``bare_script`` (Ray alone, started for it), ``make_run`` (the first in a new state folder),
  ``make_run_again`` (on the servers that it left, ``KEEP=1``), ``full_stack`` (triggered through
  Airflow's API), ``python_operator`` (plain tasks on the same Airflow, each of which starts a Ray
  of its own).
- ``python_operator_over_full_stack``: ratio of the two overheads, within a round.
- ``trigger_to_first_task_s``: from the trigger to the start of a run's first task.
- ``idle_gb``: proportional set size of the full stack at rest.
- ``hostile_inputs_tried``, ``hostile_inputs_through``: see `benchmarks.platform.hostile`.
- ``import_cpu_s_SYSTEM_STAGE``: CPU seconds to import a stage; ``import_cpu_s_torch`` beside it.

Faults and the soak are measured by `benchmarks.chaos`, on whichever commit each names.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import Benchmark, Measure, run
from benchmarks.full_stack import with_own_state
from benchmarks.platform import hostile, imports, ways
from benchmarks.results_file import Figure
from operators.installation import ROOT

NAME = "platform"
FULL_ROUNDS, QUICK_ROUNDS = 3, 1
STATE = Path(tempfile.gettempdir()) / "orrery-platform"
EARLIER = ("hostile", "faults", "soak")  # no times: each may be of a commit of its own

BOUNDS = {
    "overhead_share_full_stack": (0.0, 0.04),
    "idle_gb": (0.0, 2.0),
    "import_cpu_s_nas_search": (0.0, 1.0),
    "hostile_inputs_through": (0.0, 0.0),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if a bound is missed."""
    with_own_state(STATE / "state")
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=(0,),
        bounds=BOUNDS,
        quick_bounds={},
        by_value=tuple(BOUNDS),
        earlier=EARLIER,
    )
    return run(benchmark, arguments)


def _ways(quick: bool) -> dict[str, Figure]:
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        return ways.measure(Path(folder), QUICK_ROUNDS if quick else FULL_ROUNDS)


# In this order: what is timed comes first, while nothing else runs.
PARTS: dict[str, Measure] = {
    "ways": _ways,
    "imports": lambda quick: imports.measure(QUICK_ROUNDS if quick else FULL_ROUNDS),
    "hostile": lambda quick: hostile.measure(
        [ROOT / "tests" / "core" if quick else ROOT / "tests"]
    ),
}


if __name__ == "__main__":
    sys.exit(main())
