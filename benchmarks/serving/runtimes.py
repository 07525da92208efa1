"""What the runtime of a bundle is worth: a NASNet through ONNX Runtime and through PyTorch.

``ort_ratio_1``, ``ort_ratio_32``: CPU an item of the ``.pt2`` program over that of the ONNX graph
of the same bundle, on one thread, in batches of 1 and 32; medians of rounds in which both take
turns, each in a process of its own.
"""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.serving.bundles import bundle
from benchmarks.speedup import median
from tasks.bundle.folders import read_manifest
from tasks.bundle.runtimes import Servable

SIZES: Final = (1, 32)
FULL, QUICK = 5, 1
_ITEMS: Final = 64


def measure(*, quick: bool) -> dict[str, Figure]:
    """Measure both runtimes in turns."""
    folder = bundle("nasnet")
    found: dict[tuple[str, int], list[float]] = {}
    with OwnProcess() as onnx, OwnProcess() as torch:
        for number in range(-1, QUICK if quick else FULL):
            for size in SIZES:
                for name, process in (("onnx", onnx), ("torch", torch)):
                    cost_us = process.call(cost, folder, name, size).value
                    if number >= 0:
                        found.setdefault((name, size), []).append(cost_us)
    figures = {}
    for size in SIZES:
        pairs = zip(found["torch", size], found["onnx", size], strict=True)
        figures[f"ort_ratio_{size}"] = median([theirs / own for theirs, own in pairs])
        figures[f"ort_us_{size}"] = median(found["onnx", size], "us")
    return figures


def cost(folder: Path, network: str, size: int) -> float:
    """CPU microseconds an item."""
    servable = _opened(folder, network)
    images = np.random.default_rng(size).random((size, 3, 32, 32), np.float32)
    servable.ask("predict", {"images": images})
    num = _ITEMS // size
    begun_s = time.process_time()
    for _ in range(num):
        servable.ask("predict", {"images": images})
    return 1e6 * (time.process_time() - begun_s) / (num * size)


@lru_cache(maxsize=1)
def _opened(folder: Path, network: str) -> Servable:
    return Servable(folder, read_manifest(folder), network)
