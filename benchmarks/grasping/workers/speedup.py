"""Wall time of one warm worker over that of two, on the same scenes; see `benchmarks.speedup`.

With Ray the stage `collect` runs its scenes on a cluster of two CPUs; one worker is had by letting
each scene ask for both.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import speedup
from benchmarks.grasping.collecting import Collector, Job, job
from benchmarks.results_file import Figure

_SCENES_PER_LOT = 4
_PROFILE = (
    "store_uri: {folder}\nray_address: auto\nreadable: [/]\nwritable: [/]\n"
    "default: {{num_cpus: {num_cpus}}}\n"
)


def measure(seed: int, num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both ratios.

    Args:
        seed: Root seed of the scenes.
        num_pairs: Pairs with Ray; without, at most three.
        work_s: Wall seconds that the work takes one worker, at least.
    """
    return speedup.measure(_Scenes(job(seed, 1)), num_pairs, work_s)


@dataclass(frozen=True)
class _Scenes:
    todo: Job
    unit: ClassVar[str] = "scenes"
    num_warm: ClassVar[int] = 8

    def on_ray(self, executor: Any, num_workers: int, num_units: int) -> float:
        """Collect scenes; Ray ends a worker that idles while another has all CPUs, so warm up."""
        self._collect(executor, num_workers, self.num_warm)
        return self._collect(executor, num_workers, num_units)

    def bare(self, pool: ProcessPoolExecutor, run: str, num_units: int) -> float:
        """Collect scenes in lots."""
        lots = [
            (first, min(_SCENES_PER_LOT, num_units - first))
            for first in range(0, num_units, _SCENES_PER_LOT)
        ]
        begun_s = time.perf_counter()
        waiting = [pool.submit(_collect_lot, self.todo, run, first, count) for first, count in lots]
        for done in waiting:
            done.result()
        return time.perf_counter() - begun_s

    def _collect(self, executor: Any, num_workers: int, num_scenes: int) -> float:
        with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
            profile = Path(name, "profile.yaml")
            profile.write_text(_PROFILE.format(folder=name, num_cpus=2.0 / num_workers))
            collector = Collector(self.todo, Path(name, "store"), executor, str(profile))
            return collector.collect(0, num_scenes).wall_s


_store: dict[str, tuple[tempfile.TemporaryDirectory[str], Collector]] = {}


def _collect_lot(todo: Job, run: str, first_scene: int, num_scenes: int) -> None:
    """Collect a lot into the folder of this run and process; the world stays open."""
    if run not in _store:
        _store.clear()
        folder = tempfile.TemporaryDirectory(prefix="orrery-bench-")
        _store[run] = folder, Collector(todo, Path(folder.name))
    _store[run][1].collect(first_scene, num_scenes)
