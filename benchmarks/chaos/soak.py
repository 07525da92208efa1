"""Many small runs, one after the other and some at once: what grows meanwhile?

Memory, open files and threads are those of all processes of the stack while nothing runs, after
a first part of the runs that warms them up, and at the end. Memory is the proportional set size,
so that what processes share counts once. Disk is what the state folder holds at the end, over the
runs; `prune` has removed from the store what no finished result needs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.chaos.scenes import PROFILE
from benchmarks.chaos.work import Work, quick_sample
from benchmarks.full_stack import ENDED, FullStack
from benchmarks.results_file import Figure
from operators.installation import PROFILE as PROFILE_NAME
from operators.installation import ROOT
from operators.stack import services
from operators.stack.state import STATE
from tasks.core.errors import OrreryError

_NUM_AT_ONCE = 4
_WARM_PART = 0.1
_REST_S = 30.0
_NUM_SAMPLES, _SAMPLE_PAUSE_S = 3, 2.0
_RUN_LIMIT_S = 600.0


@dataclass(frozen=True)
class Use:
    """What a stack at rest uses.

    Attributes:
        memory_mb: Proportional set size of all processes.
        num_files: Open files.
        num_threads: Threads.
        disk_mb: State folder and store.
    """

    memory_mb: float
    num_files: float
    num_threads: float
    disk_mb: float


def measure(stack: FullStack, num_runs: int, folder: Path) -> dict[str, Figure]:
    """Run many small runs.

    Args:
        stack: The running stack.
        num_runs: How many.
        folder: New folder of their results.

    Raises:
        OrreryError: A run is not green.
    """
    stack.use_store(folder / "store", folder / "profile.yaml", PROFILE)
    num_warm = max(_NUM_AT_ONCE, round(_WARM_PART * num_runs))
    _run(stack, [quick_sample(number) for number in range(num_warm)])
    before = _at_rest(stack, folder)
    begun_s = time.monotonic()
    _run(stack, [quick_sample(number) for number in range(num_warm, num_runs)])
    run_s = (time.monotonic() - begun_s) / (num_runs - num_warm)
    after = _at_rest(stack, folder)
    grown = {
        "soak_rss_growth_mb": Figure(
            value=after.memory_mb - before.memory_mb, unit="MB", interval=None
        ),
        "soak_disk_mb_per_run": Figure(
            value=(after.disk_mb - before.disk_mb) / (num_runs - num_warm), unit="MB", interval=None
        ),
    }
    counts = {
        "soak_runs": float(num_runs),
        "soak_files_growth": after.num_files - before.num_files,
        "soak_threads_growth": after.num_threads - before.num_threads,
    }
    print(f"{num_runs} runs, {run_s:.1f} s each; at rest before {before}, after {after}")
    return {
        key: Figure(value=value, unit="", interval=None) for key, value in counts.items()
    } | grown


def _run(stack: FullStack, works: Sequence[Work]) -> None:
    """Run all of some runs, a few at a time."""
    waiting, running = list(works), list[tuple[Work, str, float]]()
    while waiting or running:
        while waiting and len(running) < _NUM_AT_ONCE:
            work = waiting.pop(0)
            run_id = stack.trigger(work.dag_id, work.conf)
            running.append((work, run_id, time.monotonic()))
        time.sleep(1.0)
        for each in list(running):
            work, run_id, begun_s = each
            state = stack.state(work.dag_id, run_id)
            if state in ENDED:
                running.remove(each)
            if state == "failed" or time.monotonic() - begun_s > _RUN_LIMIT_S:
                raise OrreryError(f"{run_id} of {work.dag_id} is {state}, expected success")


def _at_rest(stack: FullStack, folder: Path) -> Use:
    """What the stack uses some time after the last run, the store pruned."""
    env = services.base_env() | {PROFILE_NAME: str(folder / "profile.yaml")}
    prune = [sys.executable, "-m", "operators.stack.prune"]
    subprocess.run(prune, env=env, cwd=ROOT, check=True, capture_output=True)
    time.sleep(_REST_S)
    samples = []
    for _ in range(_NUM_SAMPLES):
        samples.append(memory_files_threads(stack.members()))
        time.sleep(_SAMPLE_PAUSE_S)
    memory, files, threads = (statistics.median(column) for column in zip(*samples, strict=True))
    return Use(memory, files, threads, _size_mb(STATE) + _size_mb(folder))


def memory_files_threads(processes: Sequence[psutil.Process]) -> tuple[float, float, float]:
    """Proportional set size in MB, open files and threads of processes; those that ended add 0."""
    memory = files = threads = 0.0
    for process in processes:
        try:
            used = process.memory_full_info().pss / 1e6, process.num_fds(), process.num_threads()
        except psutil.Error:
            continue
        memory, files, threads = memory + used[0], files + used[1], threads + used[2]
    return memory, files, threads


def _size_mb(folder: Path) -> float:
    """What the files of a folder take."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total / 1e6
