"""Second stage: simulate the scenes of a group of shards, and pack them into shards.

A scene is an item: its rows are committed by the worker that simulated it, so a kill costs the
scenes in flight. A second map packs finished scenes into Parquet files of a size that suits
readers. Nothing refers to the scenes' own files after that: `make prune` takes them away once
they are old, and a data set that grows later then simulates them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.core.outcomes import split
from tasks.core.ports import ItemFolder, ItemFunction, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.grasping.config import CollectConfig
from tasks.grasping.data.rows import Origin, rows_of
from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import num_attempts_of, scene_id, write_rows
from tasks.grasping.manifests import (
    GraspPlan,
    SceneRows,
    SceneTask,
    ShardRecord,
    ShardSet,
    ShardTask,
)
from tasks.grasping.scene_trials import SceneInputs, TriedScene, try_scene, workshop_of

_FILE = "rows.parquet"


@stage(
    StageSpec(
        name="grasping.collect",
        section="collect",
        libraries=("numpy", "opencv-python-headless", "pyarrow", "pybullet", "mujoco"),
        draws=True,
    )
)
def collect_shards(plan: ArtifactRef, config: CollectConfig, ctx: StageContext) -> ArtifactRef:
    """Collect the shards of a group."""
    found = ctx.store.read(plan, GraspPlan)
    settings = SceneInputs.of(found, ctx.seed)
    return ctx.store.write(collect(found, settings, simulate_scene, config, ctx))


def simulate_scene(item: SceneTask, config: SceneInputs, folder: ItemFolder) -> SceneRows:
    """Simulate one scene.

    Raises:
        DataError: It can't be simulated; says which object or file is at fault.
    """
    workshop = workshop_of(config, folder.fetch)
    tried = try_scene(workshop, item.item_id, item.num_attempts, folder.rng())
    return keep(tried, workshop.origin, item, folder)


def keep(done: TriedScene, origin: Origin, item: SceneTask, folder: ItemFolder) -> SceneRows:
    """Write the rows of a scene."""
    rows = rows_of(origin, done.scene, done.objects, done.before, done.tried)
    write_rows(folder.path / _FILE, [rows])
    return SceneRows(
        item_id=item.item_id,
        index=item.index,
        num_attempts=len(done.tried),
        num_successes=sum(each.attempt.is_success for each in done.tried),
        num_lost_objects=done.num_lost,
        rows=folder.add(_FILE),
    )


def collect(
    plan: GraspPlan,
    settings: Any,
    simulate: ItemFunction[Any, SceneRows],
    config: CollectConfig,
    ctx: StageContext,
) -> ShardSet:
    """Simulate the scenes of a plan's shards and pack them.

    Args:
        plan: What to collect.
        settings: What each item receives: `SceneInputs`, or more.
        simulate: Makes one scene.
        config: How many scenes may fail.
        ctx: Runs the items.

    Raises:
        DataError: Too many scenes failed; the message names them and the reasons.
    """
    tasks = [
        SceneTask(
            item_id=scene_id(plan.split, settings.root_seed, index),
            index=index,
            num_attempts=num_attempts_of(index, plan.num_attempts, plan.attempts_per_scene),
        )
        for shard in plan.shards
        for index in range(shard.first_scene, shard.first_scene + shard.num_scenes)
    ]
    outcomes = ctx.items.map(simulate, tasks, settings)
    made, skipped = split(outcomes, config.max_skipped_fraction)
    shards, _ = split(ctx.items.map(pack_shard, _packings(plan, made), None), 0.0)
    num_attempts = sum(scene.num_attempts for scene in made)
    ctx.tracker.log_metrics(
        {
            "attempts": float(num_attempts),
            "success_rate": sum(scene.num_successes for scene in made) / max(num_attempts, 1),
            "scenes": float(len(made)),
            "scenes_skipped": float(len(skipped)),
            "shards": float(len(shards)),
        }
    )
    return ShardSet(
        plan=plan,
        recipe_digest=settings.recipe_digest,
        root_seed=settings.root_seed,
        shards=shards,
        skipped=skipped,
    )


def pack_shard(item: ShardTask, config: None, folder: ItemFolder) -> ShardRecord:  # noqa: ARG001
    """Pack finished scenes into one file, in order."""
    scenes = (read_shard(folder.fetch(scene.rows)) for scene in item.scenes)
    write_rows(folder.path / _FILE, scenes)
    return ShardRecord(
        item_id=item.item_id,
        first_scene=item.first_scene,
        num_scenes=item.num_scenes,
        scene_ids=tuple(scene.item_id for scene in item.scenes),
        num_attempts=sum(scene.num_attempts for scene in item.scenes),
        num_successes=sum(scene.num_successes for scene in item.scenes),
        num_lost_objects=sum(scene.num_lost_objects for scene in item.scenes),
        file=folder.add(_FILE),
    )


def _packings(plan: GraspPlan, made: Sequence[SceneRows]) -> list[ShardTask]:
    """What goes into each shard; a shard all of whose scenes failed is left out."""
    by_index = {scene.index: scene for scene in made}
    tasks = []
    for shard in plan.shards:
        indices = range(shard.first_scene, shard.first_scene + shard.num_scenes)
        scenes = tuple(by_index[index] for index in indices if index in by_index)
        if scenes:
            tasks.append(ShardTask(**vars(shard), scenes=scenes))
    return tasks
