"""Fourth stage: generators that make simulated crops into such as the target's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.core.config import config_json
from tasks.core.outcomes import split
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import AdaptConfig
from tasks.graspgan.methods import GeneratorName, num_generators
from tasks.graspgan.samples.painters import LookName
from tasks.graspgan.stages.pretrain import RANDOMISED, torch_device
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.manifests import (
    Adapted,
    GeneratorTask,
    Material,
    Pretrained,
    TrainedGenerator,
)


@stage(
    StageSpec(
        name="graspgan.adapt",
        section="adapt",
        libraries=("numpy", "torch", "scikit-learn", "opencv-python-headless"),
        device="any",
        tolerances=(("task_loss", 0.3),),
    )
)
def adapt_looks(found: ArtifactRef, config: AdaptConfig, ctx: StageContext) -> ArtifactRef:
    """Train the generators of all targets, and adapt the simulated crops with each.

    Raises:
        DataError: Too many trainings failed; says which and why.
    """
    from tasks.graspgan.trainings.crop_pools import shared_crops
    from tasks.graspgan.trainings.generator_item import train_one_generator
    from tasks.graspgan.trainings.predictor_item import SharedCrops

    pretrained = ctx.store.read(found, Pretrained)
    prepared = pretrained.prepared
    tasks = [*_tasks(pretrained, config)]
    sets = {each.crops.model_dump_json(): each.crops for t in tasks for each in _looked_at(t)}
    shared = SharedCrops.of(prepared, torch_device(ctx), config.arithmetic)
    arrays = shared_crops(prepared, sets.values(), ctx.store)
    outcomes = ctx.items.map(train_one_generator, tasks, shared, shared=arrays, spread=True)
    made, skipped = split(outcomes, config.max_failed_fraction)
    _track(made, ctx)
    losses = [each.curve[-1]["losses"]["task_loss_adapted"] for each in made]
    return ctx.store.write(
        Adapted(
            pretrained=pretrained,
            generators=made,
            skipped=skipped,
            task_loss=float(np.mean(losses)) if losses else 0.0,
        )
    )


def _looked_at(task: GeneratorTask) -> tuple[Material, ...]:
    return task.source, task.validation, task.pictures


def _tasks(pretrained: Pretrained, config: AdaptConfig) -> Iterator[GeneratorTask]:
    prepared = pretrained.prepared
    simulation = prepared.attempts.simulation
    num_seeds = sum(each.method == RANDOMISED for each in pretrained.predictors)
    for target in prepared.attempts.targets:
        for name, look, settings in _generators(config):
            of_target = target if look == "cut" else ""
            source, validation = (
                Material(crops=prepared.of(simulation, part, target=of_target), looks=(look,))
                for part in ("train", "validation")
            )
            pictures = Material(
                crops=prepared.of(target, "train", has_labels=False), looks=("plain",)
            )
            for seed in range(num_generators(pretrained.methods, num_seeds, name)):
                yield GeneratorTask(
                    item_id=f"{name}-{target}-s{seed}",
                    name=name,
                    target=target,
                    seed=seed,
                    source=source,
                    validation=validation,
                    pictures=pictures,
                    num_stations=len(prepared.stations[target]),
                    initial=pretrained.of(RANDOMISED, seed).weights,
                    config=config_json(settings),
                    num_looks=config.num_looks,
                )


def _generators(config: AdaptConfig) -> Iterator[tuple[GeneratorName, LookName, GeneratorConfig]]:
    yield "from_plain", "plain", config.from_plain
    yield "from_cut", "cut", config.from_cut


def _track(made: tuple[TrainedGenerator, ...], ctx: StageContext) -> None:
    for each in made:
        last = each.curve[-1]
        ctx.tracker.log_child(
            each.item_id,
            params={"generator": each.name, "target": each.target, "seed": each.seed},
            metrics={**last["losses"], **last["values"], "cpu_s": each.cpu_s},
            figures={"grid.png": ctx.store.fetch(each.grid)},
        )
