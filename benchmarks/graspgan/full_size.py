"""What `configs/examples/train_graspgan.yaml` would take, the paper's sizes: estimated, not run.

Measured here, on this machine, at these sizes:

- ``full_attempt_cpu_s``, ``full_attempt_mb``: CPU seconds to collect an attempt, and its rows.
- ``full_prepare_cpu_s``, ``full_sample_mb``: CPU seconds to prepare a sample of the simulation in
  all looks, and its arrays in one look.
- ``full_c_gflop``, ``full_generator_gflop``: arithmetic of a training step, forwards and back, of
  one sample, as torch counts it; ``full_c_mb``, ``full_generator_mb``: what is kept of it for the
  way back, in float32.

Computed of them and of the example's numbers:

- ``full_collect_core_hours``, ``full_prepare_core_hours``: seconds times samples.
- ``full_store_tb``: rows and arrays. ``full_memory_tb``: arrays that the stage `train` shares.
- ``full_c_gpu_gb``, ``full_generator_gpu_gb``: kept for the way back, times the batch; halved by
  bfloat16.
- ``full_gpu_hours``: arithmetic of all trainings over `GPU_TFLOPS`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.graspgan.trainings import Unwatched
from benchmarks.own_process import cpu_seconds
from benchmarks.results_file import Figure
from operators.installation import ROOT
from operators.stage.local import LocalRun
from tasks.core.params import load_config
from tasks.graspgan.config import TrainGraspganConfig
from tasks.graspgan.manifests import Attempts, Prepared
from tasks.graspgan.methods import (
    GeneratorName,
    Method,
    methods,
    num_begun,
    num_generators,
    num_seeds_of,
)
from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.networks.domains import SOURCE
from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.samples.pools import Pool
from tasks.graspgan.stages.collect import collect_attempts
from tasks.graspgan.stages.prepare import prepare_crops
from tasks.graspgan.trainings.adapting import Networks, train_generator
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.generator_item import generator_widths, patch_widths
from tasks.graspgan.trainings.predicting import CHOSEN_BY, Lesson, train_predictor
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tasks.grasping.types import SemanticClass

T = TypeVar("T")
EXAMPLE: Final = ROOT / "configs" / "examples" / "train_graspgan.yaml"
GPU_TFLOPS: Final = 30.0
"""What such convolutions get out of an A100 in bfloat16, a tenth of its peak: assumed."""
_NUM_STATIONS: Final = 3


@dataclass(frozen=True)
class Costs:
    """What was measured; of an attempt, a sample in one look, and a sample of a step.

    Attributes:
        attempt_s: CPU seconds.
        attempt_mb: Rows.
        prepare_s: CPU seconds.
        sample_mb: Arrays.
        c_gflop: Arithmetic.
        c_mb: Kept for the way back.
        generator_gflop: Arithmetic.
        generator_mb: Kept for the way back.
    """

    attempt_s: float
    attempt_mb: float
    prepare_s: float
    sample_mb: float
    c_gflop: float
    c_mb: float
    generator_gflop: float
    generator_mb: float


def measure() -> dict[str, Figure]:
    """Measure what a sample costs at the example's sizes, and multiply."""
    config = load_config(TrainGraspganConfig, EXAMPLE)
    torch.set_num_threads(1)
    costs = Costs(*_data_costs(config), *_c_costs(config), *_generator_costs(config))
    return figures(costs, config)


def figures(costs: Costs, config: TrainGraspganConfig) -> dict[str, Figure]:
    """Costs, and what they come to."""
    given = config.collect
    num_targets = 2 if given.targets == "both" else 1
    per_world = given.num_train + given.num_validation + given.num_test
    num_attempts = (1 + num_targets) * per_world
    # As `prepare` plans them: what is trained on stands in all looks, targets also without labels.
    num_simulated = (1 + (2 + num_targets) * config.prepare.num_looks) * given.num_train
    num_looked_at = num_simulated + 2 * num_targets * given.num_train
    generator = config.adapt.from_plain
    total_gflop = _total_gflop(costs, config, num_targets)
    found = {
        "full_attempt_cpu_s": (costs.attempt_s, "s"),
        "full_attempt_mb": (costs.attempt_mb, "MB"),
        "full_prepare_cpu_s": (costs.prepare_s, "s"),
        "full_sample_mb": (costs.sample_mb, "MB"),
        "full_c_gflop": (costs.c_gflop, "GFLOP"),
        "full_c_mb": (costs.c_mb, "MB"),
        "full_generator_gflop": (costs.generator_gflop, "GFLOP"),
        "full_generator_mb": (costs.generator_mb, "MB"),
        "full_collect_core_hours": (num_attempts * costs.attempt_s / 3600, "h"),
        "full_prepare_core_hours": (given.num_train * costs.prepare_s / 3600, "h"),
        "full_store_tb": (
            (num_attempts * costs.attempt_mb + num_looked_at * costs.sample_mb) / 1e6,
            "TB",
        ),
        "full_memory_tb": (num_looked_at * costs.sample_mb / 1e6, "TB"),
        "full_c_gpu_gb": (config.train.descent.batch_size * costs.c_mb / 2e3, "GB"),
        "full_generator_gpu_gb": (generator.batch_size * costs.generator_mb / 2e3, "GB"),
        "full_gpu_hours": (total_gflop / (1e3 * GPU_TFLOPS) / 3600, "h"),
    }
    return {name: Figure(value=v, unit=unit, interval=None) for name, (v, unit) in found.items()}


def _total_gflop(costs: Costs, config: TrainGraspganConfig, num_targets: int) -> float:
    """Arithmetic of all trainings; what is looked at between steps is left out."""
    which, num_seeds = config.pretrain.methods, config.pretrain.num_seeds
    descent = config.train.descent
    pretrained = (config.pretrain.plain, config.pretrain.randomised)
    num_begins = sum(num_begun(which, num_seeds, standardises=each) for each in (True, False))
    samples = num_begins * sum(each.num_steps * each.batch_size for each in pretrained)
    for method in methods(which):
        trained = num_targets * num_seeds_of(method, num_seeds)
        steps = descent.num_steps
        if method.begins == "simulation":
            steps += config.pretrain.randomised.num_steps
        samples += trained * steps * descent.batch_size * _num_batches(method)
    generators: dict[GeneratorName, GeneratorConfig] = {
        "from_plain": config.adapt.from_plain,
        "from_cut": config.adapt.from_cut,
    }
    made = num_targets * sum(
        num_generators(which, num_seeds, name) * each.num_steps * each.batch_size
        for name, each in generators.items()
    )
    return samples * costs.c_gflop + made * costs.generator_gflop


def _num_batches(method: Method) -> int:
    """Batches that a step of a method takes: one of each domain with labels, one without any."""
    return bool(method.looks) + bool(method.generator or method.label_share) + method.confuses


def _data_costs(config: TrainGraspganConfig) -> tuple[float, float, float, float]:
    """CPU seconds and MB of an attempt, then of a sample, of a few."""
    few = replace(
        config.collect, targets="bullet-structured", num_train=24, num_validation=12, num_test=12
    )
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as folder:
        run = LocalRun(Path(folder))
        collected, collect_s = _timed(lambda: run.run(collect_attempts, config=few))
        attempts = run.read(collected, Attempts)
        done, prepare_s = _timed(lambda: run.run(prepare_crops, collected, config=config.prepare))
        prepared = run.read(done, Prepared)
    num = sum(each.num_attempts for each in attempts.sets)
    num_bytes = sum(shard.num_bytes for each in attempts.sets for shard in each.shards)
    plain = prepared.of("bullet-structured", "train", has_labels=False)
    sample_bytes = sum(file.arrays.num_bytes for file in plain.files) / few.num_train
    # All of a target's few are read, too: they are as many as the simulation's.
    seconds = prepare_s / (few.num_train + few.num_validation + few.num_test)
    return collect_s / num, num_bytes / num / 1e6, seconds, sample_bytes / 1e6


def _c_costs(config: TrainGraspganConfig) -> tuple[float, float]:
    """GFLOP and MB of a sample in a step of C."""
    shared, num = _shared(config), 4
    lesson = Lesson(((_noise(shared, num), SOURCE),))
    descent = replace(config.train.descent, num_steps=1, num_points=1, batch_size=num)
    network = shared.network(standardises=True)
    return _counted(
        lambda: train_predictor(network, lesson, descent, 0, lambda: {CHOSEN_BY: 0.5}), num
    )


def _generator_costs(config: TrainGraspganConfig) -> tuple[float, float]:
    """The same of a whole step of GraspGAN."""
    shared = _shared(config)
    settings = replace(config.adapt.from_plain, num_steps=1, num_points=1, batch_size=4)
    widths = generator_widths(settings.width)
    networks = Networks(
        Generator(shared.num_pictures, len(SemanticClass), _NUM_STATIONS, widths=widths),
        Discriminators(
            shared.num_pictures,
            _NUM_STATIONS,
            num_scales=settings.num_scales,
            widths=patch_widths(settings.num_patch_layers),
        ),
        shared.network(standardises=True),
    )
    pool, num = _noise(shared, settings.batch_size), settings.batch_size
    unwatched = Unwatched(pool, pool)
    return _counted(lambda: train_generator(networks, pool, pool, settings, 0, unwatched), num)


def _shared(config: TrainGraspganConfig) -> SharedCrops:
    num_pictures = 2 if config.prepare.pictures == "both" else 1
    return SharedCrops(num_pictures, config.prepare.side_px, "cpu", config.prepare.network)


def _noise(shared: SharedCrops, num: int) -> Pool:
    rng, side_px = np.random.default_rng(0), shared.side_px
    shape = num, side_px, side_px
    return Pool(
        pictures=(rng.integers(0, 256, (*shape, 3 * shared.num_pictures), dtype=np.uint8),),
        motion=np.zeros((num, shared.num_motion), np.float32),
        station=np.zeros(num, np.int64),
        success=np.zeros(num, np.float32),
        classes=rng.integers(0, len(SemanticClass), (*shape, shared.num_pictures), dtype=np.uint8),
    )


def _counted(call: Callable[[], object], num: int) -> tuple[float, float]:
    """GFLOP of a call, and MB that it keeps for the way back, over a number of samples."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        call()
    return counter.get_total_flops() / num / 1e9, sum(kept.values()) / num / 1e6


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    begun_s = cpu_seconds()
    value = call()
    return value, cpu_seconds() - begun_s
