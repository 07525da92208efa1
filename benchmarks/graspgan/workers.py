"""Wall time of a training by one process over that by two, through `Executor.train`.

As the pipeline spreads trainings where a profile says ``num_workers: 2``: Ray Train starts the
processes, each takes its half of every batch, gradients are averaged. Both processes are warm when
the clock starts; to start them takes seconds once, whatever is trained. Medians of interleaved
pairs, with the range; ``train_speedup_2_workers`` is the smaller of ``…_c`` and ``…_generator``.
"""

from __future__ import annotations

import math
import time
from typing import Any, Final

from benchmarks.graspgan.trainings import OURS
from benchmarks.results_file import Figure
from benchmarks.speedup import median, two_cpus
from tasks.learning import parallel

FULL_PAIRS, QUICK_PAIRS = 3, 1
FULL_WORK_S, QUICK_WORK_S = 30.0, 3.0  # wall seconds of one process, about
_WARM_STEPS: Final = 4


def measure(num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both trainings on a Ray cluster of two CPUs."""
    with two_cpus() as executor:
        ratios = {name: _ratios(executor, name, num_pairs, work_s) for name in OURS}
    found = {f"train_speedup_2_workers_{name}": median(each) for name, each in ratios.items()}
    smallest = min(found.values(), key=lambda figure: figure.value)
    return {"train_speedup_2_workers": smallest} | found


def timed_training(name: str, num_steps: int, rank: int) -> float:  # noqa: ARG001
    """Train in each process of a group; wall seconds until the last one is done."""
    train = OURS[name]()
    train(_WARM_STEPS, None)
    parallel.of_all(None)
    begun_s = time.perf_counter()
    train(num_steps, None)
    parallel.of_all(None)
    return time.perf_counter() - begun_s


def _ratios(executor: Any, name: str, num_pairs: int, work_s: float) -> list[float]:
    def seconds(num_workers: int, num_steps: int) -> float:
        group = executor.granted(1.0, num_workers=num_workers)
        return float(group.train(timed_training, name, num_steps).result())

    num_steps = math.ceil(work_s * _WARM_STEPS / seconds(1, _WARM_STEPS))
    ratios = []
    for _ in range(num_pairs):
        alone_s = seconds(1, num_steps)
        ratios.append(alone_s / seconds(2, num_steps))
        print(f"{name}, {num_steps} steps: one process {alone_s:.1f} s, two {ratios[-1]:.3f} x")
    return ratios
