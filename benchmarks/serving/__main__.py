"""Measure what serving costs, and how it behaves while models come and go.

    make bench NAME=serving
    python -m benchmarks.serving --parts cpu --quick

Each part says what its figures mean: `cpu` (beside FastAPI, LitServe, MLServer, BentoML, Ray Serve
and MLflow, each in an environment of its own), `rpc`, `loading`, `swaps`, `starts`, `runtimes`,
`granular`, `fairness`, `shards`. Values are medians, intervals ranges over rounds. Clients are
`load`'s own, in a process of their own, and once wrk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bounds import Bounds
from benchmarks.command import Benchmark, Measure, run
from benchmarks.results_file import RESULTS_DIR, Figure
from benchmarks.serving import (
    cpu,
    fairness,
    granular,
    loading,
    rpc,
    runtimes,
    shards,
    starts,
    swaps,
)
from benchmarks.serving.bundles import FOLDER

NAME = "serving"
# Long ones, and those that need a quiet machine: each may be of a commit of its own.
EARLIER = ("cpu", "rpc", "loading", "swaps", "granular", "fairness", "shards")
_ANY = float("inf")
# What must hold: least and greatest allowed value of a figure.
BOUNDS: Bounds = {
    "cpu_ratio_fastapi": (3.0, _ANY),
    "cpu_ratio_litserve": (6.0, _ANY),
    "cpu_ratio_mlserver": (6.0, _ANY),
    "cpu_ratio_bentoml": (12.0, _ANY),
    "cpu_ratio_rayserve": (30.0, _ANY),
    "cpu_ratio_fastapi_1": (0.0, 0.6),
    "versions_overhead": (-1.0, 0.1),
    "load_p99_ratio": (0.0, 1.2),
    "swaps": (1000.0, _ANY),
    "swaps_failed": (0.0, 0.0),
    "swaps_left": (0.0, 0.0),
    "rollbacks_failed": (0.0, 0.0),
    "swap_s": (0.0, 0.5),
    "rollback_ms": (0.0, 50.0),
    "rss_slope_mb": (-_ANY, 1.0),
    "parallel_start_ratio": (0.0, 1.3),
    "ort_ratio_1": (8.0, _ANY),
    "ort_ratio_32": (4.0, _ANY),
    "ingress_mb": (0.0, 80.0),
    "worker_mb": (0.0, 61.0),  # of which 1 is the model
    "grpc_ratio": (0.0, 1.8),
    "grpc_ratio_100kb": (0.0, 0.5),
    "granular_ratio": (2.0, _ANY),
    "fairness_error": (0.0, 0.1),
    "shard_overhead": (0.0, 1.2),
    "shard_overhead_1500kb": (0.0, 1.2),
}
# A quick run is too short to be judged by what the machine does beside it.
_QUICK_BOUNDS: Bounds = {
    name: (-_ANY, _ANY)
    for name in BOUNDS
    if name not in ("swaps_failed", "swaps_left", "rollbacks_failed")
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; exit code 1 where a bound does not hold."""
    benchmark = Benchmark(
        name=NAME,
        description=__doc__ or "",
        parts=PARTS,
        seeds=(0,),
        bounds=BOUNDS,
        quick_bounds=_QUICK_BOUNDS,
        by_value=tuple(BOUNDS),
        earlier=EARLIER,
        finish=finish,
    )
    return run(benchmark, arguments)


def finish(measured: dict[str, Figure]) -> dict[str, Figure]:
    """Put the picture of a full run beside the results file."""
    if loading.PICTURE.is_file():
        shutil.copyfile(loading.PICTURE, RESULTS_DIR / "serving_loading.png")
    return measured


def _in_folder(measure: Callable[..., dict[str, Figure]]) -> Measure:
    """A part whose servers have a folder, on the disk where the bundles are: they are linked."""

    def part(quick: bool) -> dict[str, Figure]:
        FOLDER.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=FOLDER))
        try:
            return measure(folder, quick=quick)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return part


def _alone(measure: Callable[..., dict[str, Figure]]) -> Measure:
    """A part without servers."""
    return lambda quick: measure(quick=quick)


PARTS: dict[str, Any] = {
    "cpu": _in_folder(cpu.measure),
    "rpc": _in_folder(rpc.measure),
    "loading": _in_folder(loading.measure),
    "swaps": _in_folder(swaps.measure),
    "starts": _in_folder(starts.measure),
    "runtimes": _alone(runtimes.measure),
    "granular": _in_folder(granular.measure),
    "fairness": _in_folder(fairness.measure),
    "shards": _alone(shards.measure),
}


if __name__ == "__main__":
    sys.exit(main())
