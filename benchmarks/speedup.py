"""Wall time of one warm worker over that of two, on the same work: what benchmarks have in common.

With Ray, as in production; beside it the same work by one and by two bare processes that take
small lots from a queue, without Ray: what the machine itself gives. Each pair runs one after the
other, and pairs with and without Ray take turns.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from benchmarks.results_file import Figure
from operators.installation import ROOT

FULL_PAIRS, QUICK_PAIRS = 5, 1
FULL_WORK_S, QUICK_WORK_S = 60.0, 4.0  # wall seconds of one worker, at least
_SPARE = 1.15  # what the work is made larger by, since machines waver
_BARE_PAIRS = 3  # at most; they stand beside the figure


class Work(Protocol):
    """Units of work that workers share."""

    @property
    def unit(self) -> str:
        """What a unit is called."""

    @property
    def num_warm(self) -> int:
        """Units that warm a worker up."""

    def on_ray(self, executor: Any, num_workers: int, num_units: int) -> float:
        """Wall seconds in which workers of Ray that are warm do so many units."""

    def bare(self, pool: ProcessPoolExecutor, run: str, num_units: int) -> float:
        """Wall seconds in which the processes of a pool do so many units, in a run of a name."""


def measure(work: Work, num_pairs: int, work_s: float) -> dict[str, Figure]:
    """Measure both ratios.

    Args:
        work: What is done.
        num_pairs: Pairs with Ray; without, at most three.
        work_s: Wall seconds that the work takes one worker, at least.
    """
    with two_cpus() as executor, _pool(1) as one, _pool(2) as two:
        for pool, count in ((one, 1), (two, 2)):
            work.bare(pool, "warm", count * work.num_warm)
        per_unit_s = work.on_ray(executor, 1, work.num_warm) / work.num_warm
        num_units = math.ceil(_SPARE * work_s / per_unit_s)
        num_units += num_units % 2  # so that two workers can share them evenly
        with_ray, bare, one_s = [], [], []
        for pair in range(num_pairs):
            alone_s = work.on_ray(executor, 1, num_units)
            with_ray.append(alone_s / work.on_ray(executor, 2, num_units))
            one_s.append(alone_s)
            print(f"{num_units} {work.unit}: one worker {alone_s:.1f} s, two {with_ray[-1]:.3f} x")
            if pair < _BARE_PAIRS:
                bare_s = work.bare(one, f"one-{pair}", num_units)
                bare.append(bare_s / work.bare(two, f"two-{pair}", num_units))
                print(f"  bare: one {bare_s:.1f} s, two {bare[-1]:.3f} x", flush=True)
    if min(one_s) < work_s:
        print(f"MISSED the work took one worker {min(one_s):.1f} s, less than {work_s:g} s")
    return {
        "speedup_2_workers": median(with_ray),
        "speedup_2_bare_processes": median(bare),
        "speedup_work_s": Figure(value=float(np.median(one_s)), unit="s", interval=None),
    }


def median(values: list[float], unit: str = "") -> Figure:
    """The median, with the range from the least to the greatest."""
    return Figure(value=float(np.median(values)), unit=unit, interval=(min(values), max(values)))


@contextmanager
def two_cpus(object_store_bytes: int = 100_000_000) -> Iterator[Any]:
    """A Ray cluster of two CPUs below this process, and the executor on it.

    Args:
        object_store_bytes: Memory for what workers share.
    """
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    os.environ["PYTHONPATH"] = os.pathsep.join(
        path for path in (str(ROOT), os.environ.get("PYTHONPATH", "")) if path
    )
    import ray

    from operators.compute.ray_executor import RayExecutor

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=object_store_bytes,
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
