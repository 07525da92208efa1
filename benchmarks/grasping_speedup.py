"""Wall time of one warm worker over that of two, on the same scenes.

With Ray, as in production: the stage `collect`, its scenes on a cluster of two CPUs; one worker
is had by letting each scene ask for both. Beside it the same scenes by one and by two bare
processes that take small lots from a queue, without Ray: what the machine itself gives. Each
pair runs one after the other, and pairs with and without Ray take turns.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grasping_collecting import Collector, Job, job
from benchmarks.parts import ROOT
from benchmarks.results_file import Figure

FULL_PAIRS, QUICK_PAIRS = 5, 1
FULL_WORK_S, QUICK_WORK_S = 60.0, 4.0  # wall seconds of one worker, at least
_SPARE = 1.15  # what the work is made larger by, since machines waver
_BARE_PAIRS = 3  # at most; they stand beside the figure
_SCENES_PER_LOT = 4
_WARM_SCENES = 8
_PROFILE = "store_uri: {folder}\nray_address: auto\ndefault: {{num_cpus: {num_cpus}}}\n"


def measure(seed: int, num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both ratios.

    Args:
        seed: Root seed of the scenes.
        num_pairs: Pairs with Ray; without, at most three.
        work_s: Wall seconds that the work takes one worker, at least.
    """
    todo = job(seed, 1)
    with _ray() as executor, _pool(1) as one, _pool(2) as two:
        for pool, count in ((one, 1), (two, 2)):
            _bare(pool, todo, "warm", count * _WARM_SCENES)
        per_scene_s = _on_ray(executor, todo, 1, _WARM_SCENES) / _WARM_SCENES
        num_scenes = math.ceil(_SPARE * work_s / per_scene_s)
        with_ray, bare, one_s = [], [], []
        for pair in range(num_pairs):
            alone_s = _on_ray(executor, todo, 1, num_scenes)
            with_ray.append(alone_s / _on_ray(executor, todo, 2, num_scenes))
            one_s.append(alone_s)
            print(f"{num_scenes} scenes: one worker {alone_s:.1f} s, two {with_ray[-1]:.3f} x")
            if pair < _BARE_PAIRS:
                bare_s = _bare(one, todo, f"one-{pair}", num_scenes)
                bare.append(bare_s / _bare(two, todo, f"two-{pair}", num_scenes))
                print(f"  bare: one {bare_s:.1f} s, two {bare[-1]:.3f} x", flush=True)
    if min(one_s) < work_s:
        print(f"MISSED the work took one worker {min(one_s):.1f} s, less than {work_s:g} s")
    return {
        "speedup_2_workers": _median(with_ray),
        "speedup_2_bare_processes": _median(bare),
        "speedup_work_s": Figure(value=float(np.median(one_s)), unit="s", interval=None),
    }


def _median(values: list[float]) -> Figure:
    """The median, with the range from the least to the greatest."""
    return Figure(value=float(np.median(values)), unit="", interval=(min(values), max(values)))


def _on_ray(executor: Any, todo: Job, num_workers: int, num_scenes: int) -> float:
    """Wall seconds in which workers of Ray that are warm collect scenes.

    They are warmed up each time: Ray ends a worker that idles while another has all CPUs.
    """
    _collect_on_ray(executor, todo, num_workers, _WARM_SCENES)
    return _collect_on_ray(executor, todo, num_workers, num_scenes)


def _collect_on_ray(executor: Any, todo: Job, num_workers: int, num_scenes: int) -> float:
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        profile = Path(name, "profile.yaml")
        profile.write_text(_PROFILE.format(folder=name, num_cpus=2.0 / num_workers))
        collector = Collector(todo, Path(name, "store"), executor, str(profile))
        return collector.collect(0, num_scenes).wall_s


@contextmanager
def _ray() -> Iterator[Any]:
    """A cluster of two CPUs on this machine, and the executor on it."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    os.environ["PYTHONPATH"] = os.pathsep.join(
        path for path in (str(ROOT), os.environ.get("PYTHONPATH", "")) if path
    )
    import ray

    from operators.ray_executor import RayExecutor

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100_000_000,
        _node_ip_address="127.0.0.1",
        logging_level=logging.WARNING,
        log_to_driver=False,
    )
    try:
        yield RayExecutor()
    finally:
        ray.shutdown()


def _pool(num_processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(num_processes, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"


def _bare(pool: ProcessPoolExecutor, todo: Job, run: str, num_scenes: int) -> float:
    """Wall seconds in which bare processes collect scenes."""
    lots = [
        (first, min(_SCENES_PER_LOT, num_scenes - first))
        for first in range(0, num_scenes, _SCENES_PER_LOT)
    ]
    begun_s = time.perf_counter()
    waiting = [pool.submit(_collect_lot, todo, run, first, count) for first, count in lots]
    for done in waiting:
        done.result()
    return time.perf_counter() - begun_s


_store: dict[str, tuple[tempfile.TemporaryDirectory[str], Collector]] = {}


def _collect_lot(todo: Job, run: str, first_scene: int, num_scenes: int) -> None:
    """Collect a lot into the folder of this run and process; the world stays open."""
    if run not in _store:
        _store.clear()
        folder = tempfile.TemporaryDirectory(prefix="orrery-bench-")
        _store[run] = folder, Collector(todo, Path(folder.name))
    _store[run][1].collect(first_scene, num_scenes)
