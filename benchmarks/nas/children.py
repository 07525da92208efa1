"""What a child costs: ours, the straightforward loop and the channels_last recipe, interleaved.

The twenty fixed cells are trained one after the other, each by all three in turn, each of the
three in a process of its own, the convolution kernel between them, so that all see the same
machine. At 8 px these are whole children (the second rung of the pipeline's proxy: 9,000 images,
3 epochs, and an evaluation on 5,000). At 16 px a child of 15,000 images costs the straightforward
loop six minutes; there one in ``SHARE_16PX`` of all steps and of the evaluation is timed, after a
few steps that are not, and the cost of whole children is so many times that: it is linear in
steps.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.nas.baseline import (
    NUM_CELLS,
    Child,
    Job,
    channels_last_child,
    fixed_cell,
    plain_child,
)
from benchmarks.nas.convolution_kernel import ConvolutionKernel
from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from tasks.nas.data.raw_images import LabelledImages, shrink
from tasks.nas.data.read import deal, read_images
from tasks.nas.manifests import Rung
from tasks.nas.search.budgets import PROXIES
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.loop import accuracy, train
from tasks.nas.training.networks import build, lay_out, seeded
from tasks.nas.training.standard import Standard
from tasks.nas.types import Genotype

RECIPE = TrainingConfig(learning_rate=0.15)
SHARE_16PX = 40
_WARM_STEPS = 2
_BOOTSTRAP_DRAWS = 4000
Contender = Callable[[Job], Child]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        num_cells: Cells, at most `NUM_CELLS`.
        divisor: What all numbers of images are divided by.
    """

    num_cells: int
    divisor: int


FULL, QUICK = Size(NUM_CELLS, 1), Size(2, 20)


def own_child(job: Job) -> Child:
    """Train a child as the pipeline does."""
    return train_cells(fixed_cell(job.cell), job, job.cell)


def train_cells(genotype: Genotype, job: Job, seed: int) -> Child:
    """Train any cells as the pipeline does; a job's own cell plays no part."""
    torch.set_num_threads(1)  # as the pipeline's workers are limited
    splits = [job.images(name) for name in ("train", "validation")]
    begun_s = time.process_time()
    network = lay_out(seeded(lambda: build(genotype, job.size), seed), "cpu")
    train(network, splits[0], job.standard, job.config, seed)
    right = accuracy(network, splits[1], job.standard)
    return Child(right, time.process_time() - begun_s)


CONTENDERS: dict[str, Contender] = {
    "plain": plain_child,
    "channels_last": channels_last_child,
    "own": own_child,
}


def measure(data: Path, size: Size) -> dict[str, Figure]:
    """Measure whole children at 8 px."""
    rung = _divided(PROXIES["8px"][1], size.divisor)
    with _prepared(data, rung) as job:
        children, kernel_s = _children(job, size.num_cells)
    costs = {name: np.array([child.cpu_s for child in found]) for name, found in children.items()}
    figures = ratios(costs, "") | {
        "children_per_core_hour": per_core_hour(costs["own"] * size.divisor),
        "child_kernels": Figure(
            value=float(costs["own"].mean()) * size.divisor / kernel_s, unit="", interval=None
        ),
        "convolution_kernel_s": Figure(value=kernel_s, unit="s", interval=None),
    }
    right = {name: np.array([c.accuracy for c in found]) for name, found in children.items()}
    return figures | accuracies(right, rung.num_validation)


def measure_16px(data: Path, size: Size) -> dict[str, Figure]:
    """Measure a share of children at 16 px."""
    whole = PROXIES["16px"][1]
    rung = _divided(whole, SHARE_16PX)
    with _prepared(data, rung) as job:
        children, _ = _children(job, size.num_cells, warms=True)
    costs = {name: np.array([child.cpu_s for child in found]) for name, found in children.items()}
    return ratios(costs, "_16px") | {
        "children_per_core_hour_16px": per_core_hour(costs["own"] * SHARE_16PX)
    }


def ratios(costs: Mapping[str, np.ndarray], suffix: str) -> dict[str, Figure]:
    """Geometric means over the cells of the others' cost over ours.

    Args:
        costs: CPU seconds of each contender's children, (cells,).
        suffix: Of the figures' names.
    """
    return {
        f"children_ratio{suffix}": _geometric(costs["plain"] / costs["own"]),
        f"children_ratio_channels_last{suffix}": _geometric(costs["channels_last"] / costs["own"]),
    }


def per_core_hour(costs_s: np.ndarray) -> Figure:
    """Children in 3,600 CPU seconds; 95 % interval, by resampling cells."""
    return Figure(
        value=3600 / float(costs_s.mean()),
        unit="",
        interval=_interval(costs_s, lambda draws: 3600 / draws.mean(axis=-1)),
    )


def accuracies(right: Mapping[str, np.ndarray], num_validation: int) -> dict[str, Figure]:
    """How accurate children are, and how far ours are from the others.

    Args:
        right: Accuracy of each contender's children, (cells,).
        num_validation: Images that they were scored on.

    Returns:
        Mean accuracies, and mean differences in standard errors of one child's accuracy.
    """
    figures = {}
    for name, found in right.items():
        mean = float(found.mean())
        figures[f"child_accuracy_{name}"] = Figure(value=mean, unit="", interval=None)
    error = math.sqrt(max(right["plain"].mean() * (1 - right["plain"].mean()), 1e-9))
    error /= math.sqrt(num_validation)
    for name in ("plain", "channels_last"):
        apart = (right["own"] - right[name]) / error
        figures[f"accuracy_minus_{name}_se"] = Figure(
            value=float(apart.mean()),
            unit="",
            interval=_interval(apart, lambda draws: draws.mean(axis=-1)),
        )
    return figures


def time_kernel() -> float:
    """Time the convolution kernel of this process; median CPU seconds so far."""
    if not _kernel:
        _kernel.append(ConvolutionKernel())
    _kernel[0].run()
    return _kernel[0].median_s


_kernel: list[ConvolutionKernel] = []


@contextlib.contextmanager
def _prepared(data: Path, rung: Rung) -> Iterator[Job]:
    with TemporaryDirectory(prefix="orrery-bench-") as name:
        yield child_job(data, rung, Path(name))


def child_job(data: Path, rung: Rung, folder: Path) -> Job:
    """Prepare the images of a rung in a folder; returns the job of the first cell."""
    standard = prepare(data, rung, folder)
    return Job(folder, 0, rung, standard, replace(RECIPE, num_epochs=rung.num_epochs))


def prepare(data: Path, rung: Rung, folder: Path) -> Standard:
    """Write the splits that a rung takes; returns how they are standardised."""
    raw = read_images(str(data), "cifar10", 0)
    splits = deal(raw, rung.num_validation, np.random.default_rng(0))
    for name, split, count in (
        ("train", splits.train, rung.num_images),
        ("validation", splits.validation, rung.num_validation),
    ):
        few: LabelledImages = split[:count]
        np.save(folder / f"{name}.npy", shrink(few.pixels, rung.image_px))
        np.save(folder / f"{name}_labels.npy", few.labels)
    values = np.load(folder / "train.npy").reshape(-1, 3) / 255
    mean, std = values.mean(axis=0), values.std(axis=0)
    return Standard(tuple(mean.tolist()), tuple(std.tolist()))


def _children(
    job: Job, num_cells: int, *, warms: bool = False
) -> tuple[dict[str, list[Child]], float]:
    """Train all cells by all contenders in turn; children, and seconds of the kernel."""
    children: dict[str, list[Child]] = {name: [] for name in CONTENDERS}
    with contextlib.ExitStack() as stack:
        kernel = stack.enter_context(OwnProcess())
        processes = {name: stack.enter_context(OwnProcess()) for name in CONTENDERS}
        for cell in range(num_cells):
            asked = replace(job, cell=cell)
            for name, contender in CONTENDERS.items():
                if warms:
                    processes[name].call(contender, _warm(asked))
                children[name].append(processes[name].call(contender, asked).value)
            kernel_s = kernel.call(time_kernel).value
            _print_last(cell, children)
    return children, kernel_s


def _warm(job: Job) -> Job:
    """The same child for a few steps."""
    few = {"num_images": _WARM_STEPS * job.config.batch_size, "num_epochs": 1}
    return replace(
        job, rung=job.rung.model_copy(update=few), config=replace(job.config, num_epochs=1)
    )


def _print_last(cell: int, children: Mapping[str, Sequence[Child]]) -> None:
    found = {name: each[-1] for name, each in children.items()}
    each = ", ".join(f"{n} {c.cpu_s:.2f} CPU s {c.accuracy:.3f}" for n, c in found.items())
    print(f"cell {cell}: {each}", flush=True)


def _divided(rung: Rung, divisor: int) -> Rung:
    counts = {"num_images": rung.num_images, "num_validation": rung.num_validation}
    return rung.model_copy(update={name: count // divisor for name, count in counts.items()})


def _geometric(values: np.ndarray) -> Figure:
    logs = np.log(values)
    return Figure(
        value=float(np.exp(logs.mean())),
        unit="",
        interval=_interval(logs, lambda draws: np.exp(draws.mean(axis=-1))),
    )


def _interval(
    values: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float]:
    """95 % interval by resampling cells."""
    rng = np.random.default_rng(0)
    draws = values[rng.integers(len(values), size=(_BOOTSTRAP_DRAWS, len(values)))]
    low, high = np.percentile(statistic(draws), (2.5, 97.5))
    return float(low), float(high)
