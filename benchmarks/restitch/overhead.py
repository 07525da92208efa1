"""What the runtime costs beside the work, on many small captures.

``small_capture_overhead``: CPU seconds of the stages from `ingest` to `render` on two workers of
Ray over those of two processes that share the same captures, each in a `plain_loop`, less one: side
by side too, since cores that share caches take more seconds for the same work. All processes count
(driver, Ray's own, its workers); start-up apart, which both sides have: each first restitches other
captures. The median of several rounds, in which both take turns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.own_process import OwnProcess, cpu_seconds_below
from benchmarks.restitch.judgements.small_captures import SEEDS, small_capture
from benchmarks.restitch.plain_loop import bare_captures, plain_loop
from benchmarks.restitch.staged import restitch_staged
from benchmarks.results_file import Figure
from benchmarks.speedup import median, two_cpus

FULL_CAPTURES, QUICK_CAPTURES = 60, 4
FULL_ROUNDS, QUICK_ROUNDS = 3, 1
_NUM_WARM = 4


def measure(num_captures: int, num_rounds: int) -> dict[str, Figure]:
    """Measure the overhead.

    Args:
        num_captures: Of each round.
        num_rounds: How often both are measured.
    """
    seeds = SEEDS[: _NUM_WARM + num_captures]
    for seed in seeds:
        small_capture(seed)
    warm, timed = seeds[:_NUM_WARM], seeds[_NUM_WARM:]
    ratios = []
    with two_cpus() as executor, OwnProcess() as one, OwnProcess() as other:
        for _ in range(num_rounds):
            _staged_s(executor, warm)  # Ray ends workers that idle
            staged_s = _staged_s(executor, timed)
            _plain_s([one, other], warm)
            plain_s = _plain_s([one, other], timed)
            ratios.append(staged_s / plain_s - 1)
            print(
                f"{num_captures} captures: {staged_s:.1f} CPU s in stages, {plain_s:.1f} in plain "
                "loops",
                flush=True,
            )
    return {"small_capture_overhead": median(ratios)}


def _staged_s(executor: Any, seeds: Sequence[int]) -> float:
    """CPU seconds of this process and all below it."""
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        folder = Path(name)
        bare_captures(folder / "captures", seeds)
        return restitch_staged(folder, executor, num_workers=2, clock=cpu_seconds_below)


def _plain_s(processes: Sequence[OwnProcess], seeds: Sequence[int]) -> float:
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        captures, num = bare_captures(Path(name), seeds), len(processes)
        calls = [
            process.submit(plain_loop, captures[index::num])
            for index, process in enumerate(processes)
        ]
        return sum(call.result().cpu_s for call in calls)
