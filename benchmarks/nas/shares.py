"""Where the time of a child's training step goes, and how near to bare arithmetic it comes.

NASNet-A's cells at 8 px, F = 8, batches of 128 random images. ``share_…``: CPU seconds of each
kind of step of the program, forwards and backwards, over those of the whole training step; each
step of the program counts with its median, ``share_overhead`` is what remains: Python, torch's
autograd, the loss and the optimiser. ``step_gflops``: multiply-adds of the network in the usual
count, forwards and twice backwards, times two, over the time of the step. ``gemm_gflops``: the
same for torch's product of matrices that lie in cache (8 times 128 x 64 by 64 x 64), which is about
the limit: the nearer the two, the less is left to gain without doing less.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.results_file import Figure
from tasks.nas.models.cost import mult_adds
from tasks.nas.models.layout.compile import stages_program
from tasks.nas.models.layout.program import Program, run_program
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.loop import make_optimiser

FULL_STEPS, QUICK_STEPS = 40, 4
_BATCH, _WARM_STEPS = 128, 3
_SPEC = NetworkSize(num_cells=1, num_filters=8, image_px=8)
_PRODUCT = (8, 128, 64, 64)


def measure(num_steps: int) -> dict[str, Figure]:
    """Measure the shares; in a process of its own, with one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = CellNetwork(published("nasnet_a"), _SPEC)
    program = stages_program(network, (_SPEC.image_px, _SPEC.image_px))
    whole_s = _steps(network, program, num_steps)
    spent: dict[tuple[int, str], list[float]] = defaultdict(list)
    _time_lines(program, spent)
    _steps(network, program, num_steps)
    kinds_s: dict[str, float] = defaultdict(float)
    for (_, kind), times_s in spent.items():
        if times_s:  # no gradient goes back to the images
            kinds_s[kind] += float(np.median(times_s))
    flops = 2 * 3 * _BATCH * mult_adds(network, _SPEC.image_px)
    return shares(kinds_s, whole_s) | {
        "step_ms": Figure(value=1e3 * whole_s, unit="ms", interval=None),
        "step_gflops": Figure(value=flops / whole_s / 1e9, unit="GFLOP/s", interval=None),
        "gemm_gflops": Figure(value=_product_gflops(num_steps), unit="GFLOP/s", interval=None),
    }


def shares(kinds_s: dict[str, float], whole_s: float) -> dict[str, Figure]:
    """Shares of the whole, and of what remains of it."""
    spent_s = kinds_s | {"overhead": whole_s - sum(kinds_s.values())}
    return {
        f"share_{kind}": Figure(value=seconds / whole_s, unit="", interval=None)
        for kind, seconds in sorted(spent_s.items(), key=lambda each: -each[1])
    }


def _steps(network: CellNetwork, program: Program, num_steps: int) -> float:
    """Train for some steps; median CPU seconds of one."""
    optimiser = make_optimiser(network, TrainingConfig())
    images = torch.randn(_BATCH, 3, _SPEC.image_px, _SPEC.image_px)
    labels = torch.arange(_BATCH) % _SPEC.num_classes
    height, width = program.sizes[-1]
    times_s = []
    for _ in range(_WARM_STEPS + num_steps):
        begun_s = time.thread_time()
        optimiser.zero_grad(set_to_none=True)
        last = run_program(program, images)[-1]
        maps = last.view(last.shape[0], -1, height, width).transpose(0, 1)
        cross_entropy(network.classify(maps), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        times_s.append(time.thread_time() - begun_s)
    return float(np.median(times_s[_WARM_STEPS:]))


def _time_lines(program: Program, spent: dict[tuple[int, str], list[float]]) -> None:
    """Note CPU seconds of each step of a program from now on."""
    for number, line in enumerate(program.lines):
        for method in ("run", "pull"):
            kind = f"{type(line.step).__name__}_{method}".lower()
            timed = _timed(getattr(line.step, method), spent[number, kind])
            setattr(line.step, method, timed)


def _timed(function: Callable[..., Any], times_s: list[float]) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        begun_s = time.thread_time()
        found = function(*given)
        times_s.append(time.thread_time() - begun_s)
        return found

    return call


def _product_gflops(repeats: int) -> float:
    """Speed of the product of matrices, from its median."""
    count, rows, inner, columns = _PRODUCT
    left, right = torch.randn(count, rows, inner), torch.randn(count, inner, columns)
    times_s = []
    for _ in range(_WARM_STEPS + repeats):
        begun_s = time.thread_time()
        torch.bmm(left, right)
        times_s.append(time.thread_time() - begun_s)
    return 2 * count * rows * inner * columns / float(np.median(times_s)) / 1e9
