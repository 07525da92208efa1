"""Sixth stage: the test split is opened, once. Whatever is chosen was chosen before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks.core.outcomes import split
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import EvaluateConfig
from tasks.graspgan.judging.manifests import (
    Evaluation,
    GraspOutcome,
    GraspTask,
    MethodResult,
    ProgramTask,
    Scores,
    ScoreTask,
    TargetResult,
    TreesTask,
)
from tasks.graspgan.judging.naming import named
from tasks.graspgan.judging.opened import (
    SIMULATED,
    TREES,
    Opened,
    painted_set,
    scored_sets,
)
from tasks.graspgan.judging.successes import compared
from tasks.graspgan.judging.verdicts import LABELS, LOW_SHARE, RANDOMISED
from tasks.graspgan.manifests import Prepared, TargetWorld
from tasks.graspgan.methods import methods
from tasks.graspgan.stages.pretrain import torch_device
from tasks.graspgan.trainings.manifests import Trained, TrainedPredictor
from tasks.grasping.data.shards import scene_id

_LOG = logging.getLogger(__name__)
_GRASPS_PER_SCENE = 12
_MAX_FAILED_SCENES = 0.05


@stage(
    StageSpec(
        name="graspgan.evaluate",
        section="evaluate",
        libraries=(
            "numpy",
            "torch",
            "scikit-learn",
            "opencv-python-headless",
            "pybullet",
            "mujoco",
        ),
        draws=True,
        device="any",
        tolerances=(("best_auc", 0.03),),
    )
)
def evaluate_methods(found: ArtifactRef, config: EvaluateConfig, ctx: StageContext) -> ArtifactRef:
    """Name each target's best control and best adaptation, open its test, and let them grasp.

    Raises:
        DataError: All attempts of a split have one outcome.
    """
    trained = ctx.store.read(found, Trained)
    opened = Opened(trained, _scores(trained, ctx), ctx.store)
    own = opened.simulated()
    network = own.best_of([*own.said])  # before simulation's test is read, too
    results, programs = list[TargetResult](), dict[str, FileRef]()
    for target in opened.prepared.attempts.targets:
        result = _judged(opened, target)
        grasped, made = _grasped(result, opened, config, ctx)
        results.append(grasped)
        programs |= made
    simulation, uniform, near = opened.simulation(network)
    evaluation = Evaluation(
        trained=trained,
        simulation=simulation,
        simulation_uniform=uniform,
        simulation_near=near,
        simulation_network=network,
        targets=tuple(results),
        programs=programs,
        best_auc=max(_result_of(each, each.best_adapted).area.value for each in results),
    )
    _track(evaluation, ctx)
    return ctx.store.write(evaluation)


def _scores(trained: Trained, ctx: StageContext) -> Mapping[str, Scores]:
    """Ask all predictors and trees about validation and test."""
    from tasks.graspgan.judging.scoring import score_predictor, score_trees
    from tasks.graspgan.trainings.crop_pools import shared_crops

    prepared = trained.adapted.pretrained.prepared
    simulated = scored_sets(prepared, prepared.attempts.simulation)
    asked = [
        ScoreTask(
            item_id=each.item_id,
            predictor=each,
            asked=(
                *scored_sets(prepared, each.target),
                painted_set(prepared, each.target),
                *(simulated if each.method in SIMULATED else ()),
            ),
        )
        for each in trained.predictors
    ]
    trees = _trees_tasks(prepared)
    looked_at = [crops for task in asked for crops in task.asked]
    looked_at += [crops for task in trees for crops in (task.trained_on, *task.asked)]
    sets = {crops.model_dump_json(): crops for crops in looked_at}
    shared = _crops(prepared, torch_device(ctx))
    arrays = shared_crops(prepared, sets.values(), ctx.store)
    made = (
        *ctx.items.map(score_predictor, asked, shared, shared=arrays),
        *ctx.items.map(score_trees, trees, shared, shared=arrays),
    )
    done, _ = split(made, 0.0)
    return {each.item_id: each for each in done}


def _trees_tasks(prepared: Prepared) -> list[TreesTask]:
    attempts = prepared.attempts
    found = []
    for target in attempts.targets:
        for name, trees in TREES.items():
            world = target if trees.has_labels else attempts.simulation
            own = (scored_sets(prepared, attempts.simulation)[1],)
            sets = scored_sets(prepared, target) if trees.asks_target else ()
            found.append(
                TreesTask(
                    item_id=f"{name}-{target}",
                    kind=trees.kind,
                    trained_on=prepared.of(world, "train"),
                    seed=0,
                    asked=sets if trees.has_labels else (*sets, *own),
                )
            )
    return found


def _judged(opened: Opened, target: str) -> TargetResult:
    """Name what is compared; then, and only then, look at the test."""
    best = named(opened.validation(target), opened.painted(target))
    opened_at = datetime.now(UTC).isoformat(timespec="seconds")
    _LOG.info(
        "%s: validation names %s the best control and %s the best adaptation; its test split is "
        "opened at %s", target, best.control, best.adapted, opened_at,
    )  # fmt: skip
    scores = opened.target(target)
    rows = [*methods("all"), *(each.method for each in TREES.values())]
    control, adapted = best.curve_of or ("", "")
    return TargetResult(
        target=target,
        best_control=best.control,
        best_network=best.network,
        best_adapted=best.adapted,
        opened_at=opened_at,
        methods=scores.results(rows, best.control),
        closed_share=scores.closed_share(best.adapted, best.control),
        closed_of_randomised=scores.closed_of_randomised(),
        dann_adds=scores.difference("graspgan_dann", "graspgan_cut"),
        curve_of=best.curve_of,
        label_factor=scores.factor(adapted, control, share=LOW_SHARE),
        label_factor_randomised=scores.factor(adapted, RANDOMISED, share=LOW_SHARE),
        label_equivalent=scores.factor(adapted, control, share=0),
        success_gain=None,
        success_ratio=None,
        films={},
        grasps={},
        raw_gains=tuple(scores.raw_gains()),
    )


def _grasped(
    result: TargetResult, opened: Opened, config: EvaluateConfig, ctx: StageContext
) -> tuple[TargetResult, dict[str, FileRef]]:
    """Let four methods grasp in the target's world; returns their best programs, too."""
    from tasks.graspgan.judging.grasping import grasp_tasks

    by_method = _who_grasp(result, opened.trained)
    if not by_method:
        return result, {}
    best = {name: opened.best_of(found) for name, found in by_method.items()}
    worlds = opened.prepared.attempts.worlds
    world = next((each for each in worlds if each.world == result.target), None)
    scenes = _scenes(config.num_grasps, ctx.seed) if world is not None else []
    grasping = [each for found in by_method.values() for each in found] if scenes else []
    programs = _exported([*grasping, *best.values()], opened.prepared, ctx)
    made = {f"{result.target}/{name}": programs[each.item_id] for name, each in best.items()}
    if world is None or not scenes:
        return result, made
    seeds, first = sorted({each.seed for each in grasping}), best[result.best_adapted]
    seed_of = {scene: seeds[number % len(seeds)] for number, scene in enumerate(scenes)}
    tasks = grasp_tasks(grasping, programs, seed_of, first.item_id, _GRASPS_PER_SCENE)
    tried = _tried(tasks, world, config, ctx)
    dealt = {
        name: [each for each in found if each.seed == seed_of[each.scene_id]]
        for name, found in tried.items()
    }
    own = tuple(each for each in tried[first.method] if each.seed == first.seed)
    return compared(result, dealt).model_copy(update={"best_grasps": own}), made


def _tried(
    tasks: Sequence[GraspTask], world: TargetWorld, config: EvaluateConfig, ctx: StageContext
) -> dict[str, list[GraspOutcome]]:
    """Try grasps; what came of them, by method."""
    from tasks.graspgan.judging.grasping import Arena, grasp_in_scene

    arena = Arena(
        recipe=world.recipe,
        textures=world.textures,
        root_seed=ctx.seed,
        num_candidates=config.num_candidates,
    )
    tried, _ = split(ctx.items.map(grasp_in_scene, tasks, arena), _MAX_FAILED_SCENES)
    method_of = {each.item_id: each.method for each in tasks}
    by_method: dict[str, list[GraspOutcome]] = {}
    for each in tried:
        by_method.setdefault(method_of[each.item_id], []).append(each)
    return by_method


def _who_grasp(result: TargetResult, trained: Trained) -> dict[str, list[TrainedPredictor]]:
    """Four methods, each with its trainings of those seeds that all of them have; none without."""
    known = {each.method for each in trained.predictors}
    alone = "simulation_longer" if "simulation_longer" in known else "simulation"
    wanted = dict.fromkeys((alone, result.best_network, result.best_adapted, LABELS))
    found = {
        name: [e for e in trained.predictors if (e.method, e.target) == (name, result.target)]
        for name in wanted
    }
    found = {name: each for name, each in found.items() if each}
    seeds = set.intersection(*({each.seed for each in own} for own in found.values()))
    found = {name: [e for e in own if e.seed in seeds] for name, own in found.items()}
    return found if seeds else {}


def _exported(
    predictors: Sequence[TrainedPredictor], prepared: Prepared, ctx: StageContext
) -> dict[str, FileRef]:
    """Programs, by item id."""
    from tasks.graspgan.judging.programs import Pictures, export_program

    tasks = {each.item_id: ProgramTask(item_id=each.item_id, predictor=each) for each in predictors}
    picture_px = prepared.attempts.of(predictors[0].target, "held_out").picture_px
    pictures = Pictures(crops=_crops(prepared, "cpu"), picture_px=picture_px)
    made, _ = split(ctx.items.map(export_program, [*tasks.values()], pictures), 0.0)
    return {each.item_id: each.program for each in made}


def _scenes(num_grasps: int, seed: int) -> list[str]:
    num = -(-num_grasps // _GRASPS_PER_SCENE)
    return [scene_id("held_out", seed, index) for index in range(num)]


def _crops(prepared: Prepared, device: str) -> Any:
    from tasks.graspgan.trainings.predictor_item import SharedCrops

    return SharedCrops.of(prepared, device)


def _result_of(result: TargetResult, method: str) -> MethodResult:
    return next(each for each in result.methods if each.method == method)


def _track(evaluation: Evaluation, ctx: StageContext) -> None:
    metrics = {f"simulation_auc_{name}": each.value for name, each in evaluation.simulation.items()}
    for target in evaluation.targets:
        for each in target.methods:
            metrics[f"{target.target}_auc_{each.method}"] = each.area.value
            if each.success is not None:
                metrics[f"{target.target}_success_{each.method}"] = each.success.value
        for name in ("closed_share", "label_factor", "label_equivalent", "success_gain"):
            found = getattr(target, name)
            if found is not None:
                metrics[f"{target.target}_{name}"] = found.value
        ctx.tracker.set_tags(
            {
                f"{target.target}_best_control": target.best_control,
                f"{target.target}_best_adapted": target.best_adapted,
            }
        )
    ctx.tracker.log_metrics(metrics)
