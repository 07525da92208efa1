"""Wall time of a training by one process over that by two, through `Executor.train`.

As the pipeline spreads trainings where a profile says ``num_workers: 2``: Ray Train starts the
processes, each takes its half of every batch, gradients are averaged. Both processes are warm when
the clock starts; to start them takes seconds once, whatever is trained. Medians of interleaved
pairs, with the range; ``train_speedup_2_workers`` is the smaller of ``…_c`` and ``…_generator``.
``train_cpu_ratio_2_workers_…``: the same of CPU seconds, of the first process where there are two:
what two cores give where nothing else runs on them, waiting for each other apart.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.graspgan.trainings import OURS
from benchmarks.results_file import Figure
from benchmarks.speedup import median, two_cpus
from tasks.learning import parallel

FULL_PAIRS, QUICK_PAIRS = 3, 1
FULL_WORK_S, QUICK_WORK_S = 15.0, 3.0  # CPU seconds of one process, about
_WARM_STEPS: Final = 4

Spent = tuple[float, float]
"""Wall and CPU seconds."""
Pair = tuple[Spent, Spent]
"""Of one process, and of the first of two."""


def measure(num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both trainings on a Ray cluster of two CPUs."""
    with two_cpus() as executor:
        pairs = {name: _pairs(executor, name, num_pairs, work_s) for name in OURS}
    return figures(pairs)


def figures(pairs: Mapping[str, Sequence[Pair]]) -> dict[str, Figure]:
    """Ratios of the pairs of each training."""
    wall = {name: median([one[0] / two[0] for one, two in each]) for name, each in pairs.items()}
    cpu = {name: median([one[1] / two[1] for one, two in each]) for name, each in pairs.items()}
    return {
        "train_speedup_2_workers": min(wall.values(), key=lambda figure: figure.value),
        **{f"train_speedup_2_workers_{name}": figure for name, figure in wall.items()},
        **{f"train_cpu_ratio_2_workers_{name}": figure for name, figure in cpu.items()},
    }


def timed_training(name: str, num_steps: int, rank: int) -> Spent:  # noqa: ARG001
    """Train in each process of a group; seconds until the last one is done."""
    train = OURS[name]()
    train(_WARM_STEPS, None)
    parallel.of_all(None)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    train(num_steps, None)
    spent_s = time.process_time() - begun_cpu_s
    parallel.of_all(None)
    return time.perf_counter() - begun_s, spent_s


def _pairs(executor: Any, name: str, num_pairs: int, work_s: float) -> list[Pair]:
    def spent(num_workers: int, num_steps: int) -> Spent:
        group = executor.granted(1.0, num_workers=num_workers)
        wall_s, cpu_s = group.train(timed_training, name, num_steps).result()
        return wall_s, cpu_s

    num_steps = math.ceil(work_s * _WARM_STEPS / spent(1, _WARM_STEPS)[1])
    pairs = []
    for _ in range(num_pairs):
        one, two = spent(1, num_steps), spent(2, num_steps)
        pairs.append((one, two))
        print(f"{name}, {num_steps} steps: wall and CPU s of one {one}, of two {two}", flush=True)
    return pairs
