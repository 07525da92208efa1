"""Wall time of one warm worker over that of two, on the same children; see `benchmarks.speedup`.

The children are those of the first rung at 8 px, all of one cell, so that they can be shared out
evenly. With Ray a steady loop has as many in flight as there are workers, as a search has.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from benchmarks import speedup
from benchmarks.nas.baseline import Job
from benchmarks.nas.children import child_job, own_child
from benchmarks.results_file import Figure
from tasks.nas.search.budgets import PROXIES


def measure(data: Path, num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both ratios.

    Args:
        data: Folder with the images.
        num_pairs: Pairs with Ray; without, at most three.
        work_s: Wall seconds that the work takes one worker, at least.
    """
    with TemporaryDirectory(prefix="orrery-bench-") as name:
        job = child_job(data, PROXIES["8px"][0], Path(name))
        return speedup.measure(_Children(job), num_pairs, work_s)


@dataclass(frozen=True)
class _Children:
    job: Job
    unit: ClassVar[str] = "children"
    num_warm: ClassVar[int] = 2

    def on_ray(self, executor: Any, num_workers: int, num_units: int) -> float:
        """Train children; Ray ends workers that idle, so each is warmed up first."""
        self._train(executor, num_workers, self.num_warm)
        return self._train(executor, num_workers, num_units)

    def bare(self, pool: ProcessPoolExecutor, run: str, num_units: int) -> float:  # noqa: ARG002
        """Train children, one at a time in each process."""
        begun_s = time.perf_counter()
        for done in [pool.submit(own_child, self.job) for _ in range(num_units)]:
            done.result()
        return time.perf_counter() - begun_s

    def _train(self, executor: Any, num_workers: int, num_units: int) -> float:
        begun_s = time.perf_counter()
        in_flight: list[Any] = []
        for _ in range(num_units):
            if len(in_flight) == num_workers:
                in_flight.remove(next(iter(executor.as_completed(in_flight))))
            in_flight.append(executor.submit(own_child, self.job))
        for future in in_flight:
            future.result()
        return time.perf_counter() - begun_s
