"""Measures grasp collection: cost against a peer, agreement of fast settings, workers, kills.

    python -m benchmarks.grasping [--quick] [--parts rates,speedup,agreement,levers,leak,kills]

Parts may be measured one by one; the results file is written when all are there, all of one
commit, but that workers, levers, leak and kills may be of an earlier one and then name it. CPU
seconds are user and system of the processes that do the work, start-up apart; intervals are 95 %,
by resampling rounds or scenes, unless it says otherwise.

- ``one_shot_ratio``, ``closed_loop_ratio``: attempts per CPU second over those of PyBullet's
  KukaDiverseObjectEnv (`benchmarks.grasping.baseline`), 64 px, pictures and masks included,
  interleaved. *Not like for like*: our one-shot attempt is one motion of a gripper without its
  arm, from a settled scene that 12 attempts share, and starts just above what it may touch;
  the environment resettles a scene for each attempt and moves a whole arm. The closed loop has
  a scene to itself and as many commands with a picture each (8), but the same gripper, shorter
  motions, and closes and lifts faster.
- ``attempts_per_cpu_s_64px``, ``_128px`` (24 degrees wide), ``surrogate_…``, ``restyled_…``,
  ``closed_loop_…``, ``baseline_…``: the same rates by themselves; all that a row needs is
  included, PNG and Parquet too (not for the baseline).
- ``attempt_128px_kernels``, ``surrogate_attempt_kernels``: CPU seconds of an attempt in
  multiples of the physics kernel timed in the same run; the bounds were fixed as such.
- ``share_…``: where the time of a one-shot attempt goes, under a profiler.
- ``success_…``: share of successes of the pipeline's mixture without steering.
- ``speedup_2_workers``: wall time of one warm worker over two, same work of at least 60 s, five
  interleaved pairs, median and range; ``speedup_2_bare_processes``: the same without
  Ray, three pairs.
- ``outcome_agreement``: share of the same attempts with the same outcome as at 240 Hz with 150
  solver iterations; ``agreement_ceiling``: of these with themselves, commanded pose jittered;
  ``agreement_gap``: the latter less the former; ``success_difference``: fast less reference;
  ``early_stop_…``: with early stopping, in the lift too, less without;
  ``closing_axis_agreement``: of fast attempts with themselves turned by 90 degrees;
  ``pried_successes``: successes, in all these runs, with fingers wider apart than they open. See
  `benchmarks.grasping.agreement`.
- ``lever_…``: what else would make attempts cheaper, and what it costs in agreement. See
  `benchmarks.grasping.levers.comparison`.
- ``pose_only_auc_command``, ``pose_only_auc_motion``: success predicted from closing poses alone,
  as commanded and as reached: area under the ROC curve, cross-validated by scene; 0.5 is chance.
- ``kills_survived``, ``attempts_lost``, ``attempts_doubled``: random kills (SIGKILL) of workers,
  drivers and the node during one run; ``shards_changed_by_kills``: shards whose bytes are not
  those of a run that nothing disturbed. See `benchmarks.grasping.workers.kills`.
- ``core_hours_8m…``: core-hours of the post's 8 million attempts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from benchmarks import speedup
from benchmarks.command import Benchmark, Measure, run
from benchmarks.grasping import agreement as grasping_agreement
from benchmarks.grasping import leak as grasping_leak
from benchmarks.grasping import rates as grasping_rates
from benchmarks.grasping.levers import comparison as grasping_levers
from benchmarks.grasping.physics_kernel import (
    ATTEMPT_128PX_BOUND_MULTIPLE,
    SURROGATE_ATTEMPT_BOUND_MULTIPLE,
)
from benchmarks.grasping.plot import core_hours, draw
from benchmarks.grasping.workers import speedup as grasping_speedup
from benchmarks.grasping.workers import survival as grasping_survival
from benchmarks.results_file import Figure

NAME = "grasping"
FULL_SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
FULL_KILLS, QUICK_KILLS = 20, 1
INFINITE = float("inf")
EARLIER = ("speedup", "levers", "leak", "kills")  # each may be of a commit of its own

# What must hold: least and greatest allowed value of a figure.
BOUNDS = {
    "one_shot_ratio": (50.0, INFINITE),
    "closed_loop_ratio": (8.0, INFINITE),
    "attempt_128px_kernels": (0.0, ATTEMPT_128PX_BOUND_MULTIPLE),
    "surrogate_attempt_kernels": (0.0, SURROGATE_ATTEMPT_BOUND_MULTIPLE),
    "speedup_2_workers": (1.85, INFINITE),
    "agreement_gap": (-INFINITE, 0.02),
    "success_difference": (-0.025, 0.025),
    "early_stop_agreement": (0.98, 1.0),
    "early_stop_success_difference": (-0.025, 0.025),
    "pried_successes": (0.0, 0.0),
    "kills_survived": (float(FULL_KILLS), INFINITE),
    "attempts_lost": (0.0, 0.0),
    "attempts_doubled": (0.0, 0.0),
    "shards_changed_by_kills": (0.0, 0.0),
}
# Their value is judged; of the others the whole interval must hold.
BY_VALUE = (
    "one_shot_ratio",
    "closed_loop_ratio",
    "attempt_128px_kernels",
    "surrogate_attempt_kernels",
    "speedup_2_workers",
    "agreement_gap",
    "early_stop_agreement",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 1 if a bound is missed."""
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=FULL_SEEDS,
        bounds=BOUNDS,
        quick_bounds={"kills_survived": (float(QUICK_KILLS), INFINITE)},
        by_value=BY_VALUE,
        earlier=EARLIER,
        finish=finish,
    )
    return run(benchmark, arguments)


def finish(measured: dict[str, Figure]) -> dict[str, Figure]:
    """Add the core hours of the paper's collection, and draw the plot."""
    figures = measured | {
        "core_hours_8m": core_hours(measured["attempts_per_cpu_s_64px"]),
        "core_hours_8m_baseline": core_hours(measured["baseline_attempts_per_cpu_s"]),
    }
    draw(figures)
    return figures


def _rates(quick: bool) -> dict[str, Figure]:
    if quick:
        return grasping_rates.measure(QUICK_SEEDS, grasping_rates.QUICK)
    return grasping_rates.measure(FULL_SEEDS, grasping_rates.FULL)


def _speedup(quick: bool) -> dict[str, Figure]:
    if quick:
        pairs, work_s = speedup.QUICK_PAIRS, speedup.QUICK_WORK_S
    else:
        pairs, work_s = speedup.FULL_PAIRS, speedup.FULL_WORK_S
    return grasping_speedup.measure(FULL_SEEDS[0], pairs, work_s)


def _agreement(quick: bool) -> dict[str, Figure]:
    if quick:
        return grasping_agreement.measure(QUICK_SEEDS, grasping_agreement.QUICK_SCENES, 1)
    return grasping_agreement.measure(
        FULL_SEEDS, grasping_agreement.FULL_SCENES, os.cpu_count() or 1
    )


def _levers(quick: bool) -> dict[str, Figure]:
    if quick:
        return grasping_levers.measure(QUICK_SEEDS, grasping_levers.QUICK_SCENES, 1)
    return grasping_levers.measure(FULL_SEEDS, grasping_levers.FULL_SCENES, os.cpu_count() or 1)


def _leak(quick: bool) -> dict[str, Figure]:
    if quick:
        return grasping_leak.measure(QUICK_SEEDS, grasping_leak.QUICK_SCENES)
    return grasping_leak.measure(FULL_SEEDS, grasping_leak.FULL_SCENES)


def _kills(quick: bool) -> dict[str, Figure]:
    return grasping_survival.measure(FULL_SEEDS[0], QUICK_KILLS if quick else FULL_KILLS)


# In this order: what is timed comes first, while nothing else runs.
PARTS: dict[str, Measure] = {
    "rates": _rates,
    "speedup": _speedup,
    "agreement": _agreement,
    "levers": _levers,
    "leak": _leak,
    "kills": _kills,
}


if __name__ == "__main__":
    sys.exit(main())
