"""Cold starts, and the memory of what is started.

``parallel_start_ratio``: seconds from the start of a server until it answers for 8 equal models,
over 8 times those for one alone, divided by the number of cores. ``worker_mb``, ``ingress_mb``:
their proportional share of memory (PSS) with 8 models of 1 MB each, and the spare worker.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle, place
from benchmarks.serving.servers import Memory, ours
from benchmarks.speedup import median

NUM_MODELS: Final = 8
FULL, QUICK = 5, 1
_SETTLED_S: Final = 3.0


def measure(folder: Path, *, quick: bool) -> dict[str, Figure]:
    """Start one model and eight in turn."""
    ratios, memories = list[float](), list[Memory]()
    num_cores = len(os.sched_getaffinity(0))
    for number in range(QUICK if quick else FULL):
        alone_s, _ = _start(folder / f"alone-{number}", 1)
        together_s, memory = _start(folder / f"together-{number}", NUM_MODELS)
        ratios.append(together_s / (NUM_MODELS * alone_s / num_cores))
        memories.append(memory)
    return {
        "parallel_start_ratio": median(ratios),
        "ingress_mb": median([each.ingress_mb for each in memories], "MB"),
        "worker_mb": median([float(np.mean(each.workers_mb)) for each in memories], "MB"),
    }


def _start(folder: Path, num_models: int) -> tuple[float, Memory]:
    names = [f"lstm{number}" for number in range(num_models)]
    for name in names:
        place(bundle("lstm"), folder / name / "1")
    config = {"models": {name: {"folder": str(folder / name)} for name in names}}
    with ours(folder / "server", config) as server:
        time.sleep(_SETTLED_S)
        return server.start_s, server.memory()
