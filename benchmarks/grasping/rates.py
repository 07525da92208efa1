"""What an attempt costs: each world and the baseline in a process of its own, interleaved.

In each round every contender works once, in turn, the physics kernel between them, so that all
see the same machine. Rates are attempts over CPU seconds summed over all rounds; intervals
resample rounds, and so both sides of a ratio at once.
"""

from __future__ import annotations

import contextlib
import cProfile
import pstats
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.bootstrap import figure_of, ratio
from benchmarks.grasping.baseline import run_episodes
from benchmarks.grasping.collecting import Job, collect_round, job, warm
from benchmarks.grasping.physics_kernel import PhysicsKernel
from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from tasks.grasping.config import PhysicsConfig
from tasks.grasping.types import FloatArray

SERVO_STEPS = 8  # as the baseline's limit
TIGHT_VIEW_DEG = 24.0
_ATTEMPTS, _CPU_S, _SUCCESSES = range(3)


@dataclass(frozen=True)
class Size:
    """How much each contender does in a round.

    Attributes:
        rounds: Rounds per seed.
        episodes: Of the baseline.
        scenes: Of 12 attempts each; a closed-loop attempt has a scene to itself.
    """

    rounds: int
    episodes: int
    scenes: int


# 60 episodes of the baseline a seed: with 12 its rate was known to a fifth.
FULL, QUICK = Size(rounds=6, episodes=10, scenes=8), Size(rounds=2, episodes=1, scenes=1)


def jobs(seed: int, scenes: int) -> dict[str, Job]:
    """What our contenders collect."""
    closed_loop = PhysicsConfig(servo="closed_loop", num_servo_steps=SERVO_STEPS)
    return {
        "one_shot": job(seed, scenes),
        "closed_loop": job(seed, 2 * scenes, attempts_per_scene=1, physics=closed_loop),
        "128px": job(seed, scenes, size_px=128, view_deg=TIGHT_VIEW_DEG),
        "surrogate": job(seed, scenes, world="surrogate"),
        "restyled": job(seed, scenes, world="bullet-restyled"),
        "everyday": job(seed, scenes, family="everyday"),
    }


def measure(seeds: Sequence[int], size: Size) -> dict[str, Figure]:
    """Measure all rates, the shares of the time and the successes."""
    rounds: dict[str, list[FloatArray]] = {}
    kernels_s: list[float] = []
    for seed in seeds:
        _one_seed(seed, size, rounds, kernels_s)
    columns = {name: np.array(rows) for name, rows in rounds.items()}
    with OwnProcess() as process:
        shares = process.call(profiled, job(seeds[0], size.scenes)).value
    kernel_s = float(np.median(kernels_s))
    print(f"physics kernel: {kernel_s:.4f} CPU s, median of {len(kernels_s)}", flush=True)
    return figures_of(columns, kernel_s) | {
        f"share_{name}": Figure(value=share, unit="", interval=None)
        for name, share in shares.items()
    }


def _one_seed(
    seed: int, size: Size, rounds: dict[str, list[FloatArray]], kernels_s: list[float]
) -> None:
    with contextlib.ExitStack() as stack:
        baseline, kernel = (stack.enter_context(OwnProcess()) for _ in range(2))
        ours = {name: stack.enter_context(OwnProcess()) for name in jobs(seed, size.scenes)}
        baseline.call(run_episodes, seed, 1, 64)
        for number in range(size.rounds):
            done = baseline.call(run_episodes, 1000 * seed + number, size.episodes, 64)
            _note(rounds, "baseline", done.value.attempts, done.value.successes, done.cpu_s)
            kernels_s.append(kernel.call(time_kernel).value)
            for name, each in jobs(seed, size.scenes).items():
                found = ours[name].call(collect_round, each, number).value
                _note(rounds, name, found.attempts, found.successes, found.cpu_s)
        last = {name: rows[-1] for name, rows in rounds.items()}
        rates = ", ".join(f"{name} {row[0] / row[1]:.3g}" for name, row in last.items())
        print(f"seed {seed}, attempts per CPU second in its last round: {rates}", flush=True)


def _note(
    rounds: dict[str, list[FloatArray]], name: str, attempts: int, successes: int, cpu_s: float
) -> None:
    rounds.setdefault(name, []).append(np.array([attempts, cpu_s, successes], np.float64))


_kernel: list[PhysicsKernel] = []


def time_kernel() -> float:
    """Time the physics kernel of this process; CPU seconds."""
    if not _kernel:
        _kernel.append(PhysicsKernel())
    return _kernel[0].run()


def figures_of(columns: Mapping[str, FloatArray], kernel_s: float) -> dict[str, Figure]:
    """Make the figures of a benchmark run.

    Args:
        columns: Attempts, CPU seconds and successes of each contender's rounds, (rounds, 3).
        kernel_s: Median CPU seconds of the physics kernel.
    """

    def rate(name: str) -> Figure:
        return figure_of(columns[name], ratio(_ATTEMPTS, _CPU_S), "per CPU s")

    def success(name: str) -> Figure:
        return figure_of(columns[name], ratio(_SUCCESSES, _ATTEMPTS))

    def multiple(name: str) -> Figure:
        return figure_of(columns[name], lambda s: s[..., _CPU_S] / s[..., _ATTEMPTS] / kernel_s)

    return {
        "one_shot_ratio": _rate_ratio(columns["one_shot"], columns["baseline"]),
        "closed_loop_ratio": _rate_ratio(columns["closed_loop"], columns["baseline"]),
        "attempts_per_cpu_s_64px": rate("one_shot"),
        "attempts_per_cpu_s_128px": rate("128px"),
        "surrogate_attempts_per_cpu_s": rate("surrogate"),
        "restyled_attempts_per_cpu_s": rate("restyled"),
        "closed_loop_attempts_per_cpu_s": rate("closed_loop"),
        "baseline_attempts_per_cpu_s": rate("baseline"),
        "attempt_128px_kernels": multiple("128px"),
        "surrogate_attempt_kernels": multiple("surrogate"),
        "kernel_s": Figure(value=kernel_s, unit="s", interval=None),
        "success_procedural": success("one_shot"),
        "success_everyday": success("everyday"),
        "success_surrogate": success("surrogate"),
        "success_closed_loop": success("closed_loop"),
        "success_baseline": success("baseline"),
    }


def _rate_ratio(ours: FloatArray, theirs: FloatArray) -> Figure:
    """Ratio of two rates measured in the same rounds."""
    attempts, cpu_s, their_attempts, their_cpu_s = range(4)
    pairs = np.hstack([ours[:, :2], theirs[:, :2]])
    return figure_of(
        pairs,
        lambda s: s[..., attempts] / s[..., cpu_s] * s[..., their_cpu_s] / s[..., their_attempts],
    )


# Where a function's own time counts; the first that matches.
_KINDS: Mapping[str, str] = {
    "physics": r"stepSimulation|restoreState|saveState",
    "control": r"setJointMotorControl2|getContactPoints|getClosestPoints|getJointStates"
    r"|worlds/bullet/(world|gripper|stillness|endings)\.py|algorithms/controllers\.py",
    "render": r"getCameraImage|worlds/bullet/(camera|renderer|arm)\.py|_rotation\.py",
    "load": r"loadURDF|create(MultiBody|CollisionShape|VisualShape|Constraint)|resetSimulation",
    "encode": r"imencode|png\.py|pyarrow|rows\.py|shards\.py",
}


def profiled(job: Job) -> dict[str, float]:
    """Collect a round under a profiler; shares of its time by kind, of 1."""
    collector, profile = warm(job), cProfile.Profile(time.process_time)
    try:
        collector.collect(0, job.plan.scenes_per_shard, on_ready=profile.enable)
    finally:
        profile.disable()
    return shares_of(profile)


def shares_of(profile: cProfile.Profile, kinds: Mapping[str, str] = _KINDS) -> dict[str, float]:
    """Divide a profile's time among kinds of functions; what is of none is ``other``."""
    stats: Any = pstats.Stats(profile)
    spent_s = dict.fromkeys([*kinds, "other"], 0.0)
    find: dict[str, Callable[[str], Any]] = {k: re.compile(v).search for k, v in kinds.items()}
    for (path, _, name), (_, _, own_s, _, _) in stats.stats.items():
        kind = next((k for k, search in find.items() if search(f"{path} {name}")), "other")
        spent_s[kind] += own_s
    total_s = sum(spent_s.values())
    return {kind: seconds / total_s for kind, seconds in spent_s.items()}
