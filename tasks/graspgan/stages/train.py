"""Fifth stage: C for each target, by each method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tasks.core.config import config_json
from tasks.core.outcomes import split
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import TrainConfig
from tasks.graspgan.manifests import Prepared
from tasks.graspgan.methods import Method, methods, num_seeds_of
from tasks.graspgan.samples.painters import LookName
from tasks.graspgan.stages.pretrain import (
    RANDOMISED,
    RAW,
    SOURCE,
    TARGET,
    torch_device,
)
from tasks.graspgan.trainings.manifests import (
    Adapted,
    Material,
    PredictorTask,
    Trained,
    TrainedGenerator,
    TrainedPredictor,
)
from tasks.grasping.types import Split


@stage(
    StageSpec(
        name="graspgan.train",
        section="train",
        libraries=("numpy", "torch", "scikit-learn"),
        device="any",
        tolerances=(("validation_auc", 0.03),),
    )
)
def train_methods(found: ArtifactRef, config: TrainConfig, ctx: StageContext) -> ArtifactRef:
    """Train C by all methods.

    Raises:
        DataError: Too many trainings failed; says which and why.
    """
    from tasks.graspgan.trainings.crop_pools import shared_crops
    from tasks.graspgan.trainings.predictor_item import SharedCrops, train_c

    adapted = ctx.store.read(found, Adapted)
    prepared = adapted.pretrained.prepared
    tasks, hopeless = split([*_planned(adapted, config)], 1.0)
    sets = {each.crops.model_dump_json(): each.crops for t in tasks for each in _looked_at(t)}
    shared = SharedCrops.of(prepared, torch_device(ctx), config.arithmetic)
    arrays = shared_crops(prepared, sets.values(), ctx.store)
    ends = ctx.items.map(train_c, tasks, shared, shared=arrays, spread=True)
    made, skipped = split([*hopeless, *ends], config.max_failed_fraction)
    _track(made, ctx)
    return ctx.store.write(
        Trained(
            adapted=adapted,
            predictors=(*_for_each_target(made, prepared.attempts.targets),),
            skipped=skipped,
            validation_auc=float(np.mean([each.validation_auc for each in made])),
        )
    )


def _looked_at(task: PredictorTask) -> Iterator[Material]:
    """All samples that a training looks at."""
    for each in (*task.labelled, task.unlabelled, *task.validation):
        if each is not None:
            yield each
            if each.gives_colours is not None:
                yield Material(crops=each.gives_colours)


def _planned(adapted: Adapted, config: TrainConfig) -> Iterator[PredictorTask | Skipped]:
    seeds = sorted({e.seed for e in adapted.pretrained.predictors if e.method == RANDOMISED})
    targets = adapted.pretrained.prepared.attempts.targets
    for method in methods(adapted.pretrained.methods):
        for target in targets if method.sees_target else targets[:1]:
            for seed in seeds[: num_seeds_of(method, len(seeds))]:
                yield _task(method, target, seed, adapted, config)


def _for_each_target(
    made: Sequence[TrainedPredictor], targets: Sequence[str]
) -> Iterator[TrainedPredictor]:
    """What was trained, and for all targets what saw nothing of the first."""
    sees_target = {each.name: each.sees_target for each in methods("all")}
    for each in made:
        yield each
        for target in () if sees_target[each.method] else targets[1:]:
            item_id = _item_id(each.method, target, each.seed)
            yield each.model_copy(update={"item_id": item_id, "target": target})


def _item_id(method: str, target: str, seed: int) -> str:
    return f"{method}-{target}-s{seed}"


def _task(
    method: Method, target: str, seed: int, adapted: Adapted, config: TrainConfig
) -> PredictorTask | Skipped:
    item_id = _item_id(method.name, target, seed)
    wanted = method.generator, target, seed
    generator = next(
        (each for each in adapted.generators if (each.name, each.target, each.seed) == wanted), None
    )
    if method.generator is not None and generator is None:
        reason = f"its generator, {method.generator} of seed {seed}, could not be trained"
        return Skipped(item_id=item_id, reason=reason)
    pretrained = adapted.pretrained
    pictures = Material(
        crops=pretrained.prepared.of(target, "train", has_labels=False),
        looks=("plain",),
        domain=SOURCE if method.shares_norms else TARGET,
    )
    learns = method.looks or method.generator or method.label_share
    begun = pretrained.of(f"{method.begins}{'' if method.standardises else RAW}", seed)
    num_steps = config.descent.num_steps
    if method.begins == "simulation":  # what the others had of random looks, it has of its own
        num_steps += pretrained.of(RANDOMISED, seed).curve[-1]["step"]
    descent = replace(config.descent, num_steps=num_steps)
    return PredictorTask(
        item_id=item_id,
        method=method.name,
        target=target,
        seed=seed,
        labelled=_materials(method, target, "train", pretrained.prepared, generator),
        unlabelled=pictures if method.confuses or method.adapts_norms else None,
        validation=_materials(method, target, "validation", pretrained.prepared, generator),
        domain=TARGET if method.has_own_norms else SOURCE,
        label_share=method.label_share,
        initial=begun.weights,
        standardises=method.standardises,
        descent=config_json(descent) if learns else None,
        adversary=config_json(config.adversary) if method.confuses else None,
        adapts_norms=method.adapts_norms,
    )


def _materials(
    method: Method,
    target: str,
    part: Split,
    prepared: Prepared,
    generator: TrainedGenerator | None,
) -> tuple[Material, ...]:
    """What it learns from, or is chosen by: looks of simulation, adapted crops, labels.

    A training is chosen by what it looks like itself. One with a share of the labels is chosen by
    simulation alone: the same share of the validation split would be a few scenes, which tell less
    than points differ, and more would be labels that it is not said to have.
    """
    own = TARGET if method.has_own_norms and not method.confuses else SOURCE
    simulation, found = prepared.attempts.simulation, list[Material]()
    colours = prepared.of(target, "train", has_labels=False) if method.colours else None
    for look in method.looks or (() if generator else (_last_look(method),)):
        crops = prepared.of(simulation, part, target=target if look == "cut" else "")
        found.append(Material(crops=crops, looks=(look,), gives_colours=colours))
    if generator is not None:
        crops = prepared.of(simulation, part, target=target if generator.name == "from_cut" else "")
        pictures = generator.adapted if part == "train" else generator.adapted_validation
        domain = own if method.looks else SOURCE
        found.append(Material(crops=crops, adapted=pictures, domain=domain))
    if not method.label_share:
        return tuple(found)
    labels = Material(crops=prepared.of(target, part), looks=("plain",), domain=own)
    if not (method.looks or generator):
        return (labels,)
    return (*found, labels) if part == "train" else tuple(found)


def _last_look(method: Method) -> LookName:
    """What C looked at last, before the method went on with nothing new."""
    return "plain" if method.begins == "simulation" else "random"


def _track(made: Sequence[TrainedPredictor], ctx: StageContext) -> None:
    for each in made:
        curve = [point["losses"]["loss"] for point in each.curve]
        ctx.tracker.log_child(
            each.item_id,
            params={"method": each.method, "target": each.target, "seed": each.seed},
            metrics={
                "validation_auc": each.validation_auc,
                "num_labels": float(each.num_labels),
                "cpu_s": each.cpu_s,
                **({"loss": curve[-1]} if curve else {}),
            },
        )
