"""Last stage: the adaptation that grasped goes to the model registry, target by target.

It becomes the champion of its target only if it beats the one before in the same scenes, by a
paired test of grasps.
"""

from __future__ import annotations

from tasks.bundle.folders import gather
from tasks.core.models import ModelPackage
from tasks.core.outcomes import split
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef, Record
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import RegisterConfig
from tasks.graspgan.judging.manifests import Evaluation, TargetResult
from tasks.graspgan.judging.packing import PackedPredictor, PackTask, pack_predictor

_METRIC = "success"


class Registered(Record):
    """What went to the registry.

    Attributes:
        packed: Predictors with what belongs to them; which version each became is in the run's
            tags.
        num_models: How many.
    """

    schema_id = "graspgan.registered/2"

    packed: tuple[PackedPredictor, ...]
    num_models: int


@stage(
    StageSpec(
        name="graspgan.register",
        section="register",
        libraries=("numpy", "torch"),
        tolerances=(("num_models", 0.0),),
    )
)
def register_predictors(
    found: ArtifactRef, config: RegisterConfig, ctx: StageContext
) -> ArtifactRef:
    """Register the best adaptation of each target in which grasps were tried.

    Raises:
        DataError: Loaded back from the registry, it gives other outputs.
    """
    evaluation = ctx.store.read(found, Evaluation)
    results = {
        f"{each.target}/{each.best_adapted}": each
        for each in evaluation.targets
        if config.model and each.best_grasps
    }
    tasks = [_task(name, each, evaluation) for name, each in results.items()]
    packed, _ = split(ctx.items.map(pack_predictor, tasks, None), 0.0)
    for each in packed:
        _register(each, results[each.item_id], config, ctx)
    return ctx.store.write(Registered(packed=packed, num_models=len(packed)))


def _task(name: str, result: TargetResult, evaluation: Evaluation) -> PackTask:
    attempts = evaluation.trained.adapted.pretrained.prepared.attempts
    return PackTask(
        item_id=name,
        program=evaluation.programs[name],
        shard=attempts.of(result.target, "held_out").shards[0],
        target=result.target,
        grasps=result.best_grasps,
    )


def _register(
    packed: PackedPredictor,
    result: TargetResult,
    config: RegisterConfig,
    ctx: StageContext,
) -> None:
    method = next(each for each in result.methods if each.method == result.best_adapted)
    bundle = ctx.scratch / packed.item_id
    gather({name: ctx.store.fetch(file) for name, file in packed.bundle.items()}, bundle)
    outcome = ctx.models.register(
        ModelPackage(
            name=f"{config.model}-{result.target}",
            bundle=bundle,
            metrics={_METRIC: packed.success, "auc": method.area.value},
            metric=_METRIC,
            test_key=packed.test_key,
            answers=ctx.store.fetch(packed.answers),
            tags={
                "method": method.method,
                "target": result.target,
                "seed": str(result.best_grasps[0].seed),
            },
        )
    )
    ctx.tracker.set_tags(
        {
            f"{result.target}_model": f"{outcome.name} {outcome.version or ''}".strip(),
            f"{result.target}_champion": "yes" if outcome.is_champion else "no",
            f"{result.target}_champion_reason": outcome.reason,
        }
    )
