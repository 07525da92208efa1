"""Third stage: C on simulation, plain first and then in random looks, seed by seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.core.config import config_json
from tasks.core.outcomes import split
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import PretrainConfig
from tasks.graspgan.manifests import Prepared
from tasks.graspgan.methods import num_begun
from tasks.graspgan.trainings.config import DescentConfig
from tasks.graspgan.trainings.manifests import Material, PredictorTask, Pretrained, TrainedPredictor

PLAIN, RANDOMISED = "simulation", "randomised"
SOURCE, TARGET = 0, 1  # as `tasks.graspgan.networks.domains`, which loads torch
RAW = "_raw"  # ends the names of predictors whose inputs are as they are


@stage(
    StageSpec(
        name="graspgan.pretrain",
        section="pretrain",
        libraries=("numpy", "torch", "scikit-learn"),
        device="any",
        tolerances=(("best_auc", 0.03),),
    )
)
def pretrain(found: ArtifactRef, config: PretrainConfig, ctx: StageContext) -> ArtifactRef:
    """Train C on simulation.

    Raises:
        DataError: A training failed; says which and why.
    """
    prepared = ctx.store.read(found, Prepared)
    plain = _train(prepared, config, PLAIN, config.plain, {}, ctx)
    begun = {each.item_id.replace(PLAIN, RANDOMISED): each.weights for each in plain}
    randomised = _train(prepared, config, RANDOMISED, config.randomised, begun, ctx)
    aucs = [each.validation_auc for each in randomised if not each.method.endswith(RAW)]
    result = Pretrained(
        prepared=prepared,
        methods=config.methods,
        predictors=(*plain, *randomised),
        best_auc=float(np.mean(aucs)),
    )
    ctx.tracker.log_metrics(
        {f"validation_auc_{each.item_id}": each.validation_auc for each in result.predictors}
    )
    return ctx.store.write(result)


def _train(
    prepared: Prepared,
    config: PretrainConfig,
    method: str,
    descent: DescentConfig,
    begun: dict[str, FileRef],
    ctx: StageContext,
) -> tuple[TrainedPredictor, ...]:
    from tasks.graspgan.trainings.crop_pools import shared_crops
    from tasks.graspgan.trainings.predictor_item import SharedCrops, train_c

    simulation, look = prepared.attempts.simulation, "plain" if method == PLAIN else "random"
    train_set, validation = (prepared.of(simulation, part) for part in ("train", "validation"))
    inputs = ((method, True), (f"{method}{RAW}", False))
    tasks = [
        PredictorTask(
            item_id=f"{name}-s{seed}",
            method=name,
            target="",
            seed=seed,
            labelled=(Material(crops=train_set, looks=(look,)),),
            unlabelled=None,
            validation=(Material(crops=validation, looks=(look,)),),
            domain=SOURCE,
            label_share=1.0,
            initial=begun.get(f"{name}-s{seed}"),
            standardises=standardises,
            descent=config_json(descent),
            adversary=None,
            adapts_norms=False,
        )
        for name, standardises in inputs
        for seed in range(num_begun(config.methods, config.num_seeds, standardises=standardises))
    ]
    shared: Any = SharedCrops.of(prepared, torch_device(ctx), config.arithmetic)
    arrays = shared_crops(prepared, (train_set, validation), ctx.store)
    # All that follows begins with these: none may fail.
    made, _ = split(ctx.items.map(train_c, tasks, shared, shared=arrays, spread=True), 0.0)
    return made


def torch_device(ctx: StageContext) -> str:
    """What torch calls the stage's device."""
    return "cuda" if ctx.resources.device == "gpu" else "cpu"
