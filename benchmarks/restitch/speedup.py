"""Wall time of one warm worker over that of two, on the same captures; see `benchmarks.speedup`.

With Ray the stages from `ingest` to `render` restitch small captures on a cluster of two CPUs; bare
processes take the same captures from a queue, each restitched by `plain_loop`.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import speedup
from benchmarks.restitch.judgements.small_captures import SEEDS
from benchmarks.restitch.plain_loop import bare_captures, plain_loop
from benchmarks.restitch.staged import restitch_staged
from benchmarks.results_file import Figure


def measure(num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both ratios.

    Args:
        num_pairs: Pairs with Ray; without, at most three.
        work_s: Wall seconds that the work takes one worker, at least.
    """
    return speedup.measure(_Captures(), num_pairs, work_s)


class _Captures:
    unit: ClassVar[str] = "captures"
    num_warm: ClassVar[int] = 4

    def on_ray(self, executor: Any, num_workers: int, num_units: int) -> float:
        """Restitch captures; Ray ends a worker that idles while another has all CPUs: warm up."""
        self._restitch(executor, num_workers, self.num_warm)
        return self._restitch(executor, num_workers, num_units)

    def bare(self, pool: ProcessPoolExecutor, run: str, num_units: int) -> float:  # noqa: ARG002
        """Restitch captures, one at a time in each process."""
        with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
            captures = bare_captures(Path(name), _seeds(num_units))
            begun_s = time.perf_counter()
            for done in [pool.submit(plain_loop, [capture]) for capture in captures]:
                done.result()
            return time.perf_counter() - begun_s

    def _restitch(self, executor: Any, num_workers: int, num_units: int) -> float:
        with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
            folder = Path(name)
            bare_captures(folder / "captures", _seeds(num_units))
            return restitch_staged(folder, executor, num_workers, clock=time.perf_counter)


def _seeds(num_units: int) -> range:
    return range(SEEDS.start, SEEDS.start + num_units)
