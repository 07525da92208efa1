"""First stage: the attempts to learn from, read where a user keeps them, or collected here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pyarrow.compute as pc

from tasks.core.config import config_json
from tasks.core.digests import file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.outside.copies import path_of
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import CollectConfig
from tasks.graspgan.manifests import Attempts, AttemptSet, TargetWorld
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.config import (
    CameraConfig,
    ObjectsConfig,
    PlanConfig,
    PolicyConfig,
    RandomiseConfig,
    WorldConfig,
)
from tasks.grasping.config import CollectConfig as ShardsConfig
from tasks.grasping.data.png import decode_rgb
from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import plan_shards
from tasks.grasping.manifests import GraspPlan
from tasks.grasping.packed_files import pack_files
from tasks.grasping.readers.samples import shards_of
from tasks.grasping.scene_trials import SceneInputs
from tasks.grasping.stages.collect import collect, simulate_scene
from tasks.grasping.types import Split
from tasks.intake.folders import files_below

SIMULATION: Final = "bullet"
_TARGETS: Final = ("bullet-structured", "surrogate")
_SPLITS: Final[tuple[Split, ...]] = get_args(Split)
_SCENES_PER_SHARD: Final = 25
_ABOUT: Final = ["world", "split", "scene_id", "is_success"]


@stage(
    StageSpec(
        name="graspgan.collect",
        section="collect",
        libraries=("numpy", "opencv-python-headless", "pyarrow", "pybullet", "mujoco"),
        draws=True,
        reads_outside=True,
    )
)
def collect_attempts(config: CollectConfig, ctx: StageContext) -> ArtifactRef:
    """Find or make attempts of the simulation and of the targets, in three splits each.

    Raises:
        ConfigError: One of the folders is named without the other.
        DataError: A folder lacks what is needed; the message says what.
    """
    if bool(config.simulation) != bool(config.real):
        raise ConfigError(
            "collect.simulation and collect.real: name both folders, or none to collect both here; "
            f"got {config.simulation!r} and {config.real!r}"
        )
    found = _given(config, ctx) if config.simulation else _collected(config, ctx)
    for each in found.sets:
        name = f"{each.world}_{each.split}"
        ctx.tracker.log_metrics(
            {
                f"attempts_{name}": float(each.num_attempts),
                f"success_{name}": each.num_successes / each.num_attempts,
            }
        )
    return ctx.store.write(found)


def _given(config: CollectConfig, ctx: StageContext) -> Attempts:
    """What the user's folders hold.

    Raises:
        DataError: A world or a split is missing, in the wrong folder, or of one outcome.
    """
    simulation = _sets_below(config.simulation, "collect.simulation")
    real = _sets_below(config.real, "collect.real")
    wrong = {each.world for each in simulation} - {SIMULATION}
    if wrong:
        raise DataError(
            f"collect.simulation: expected attempts of the world {SIMULATION}, got some of "
            f"{', '.join(sorted(wrong))}: name their folder as collect.real"
        )
    if SIMULATION in {each.world for each in real}:
        raise DataError(
            f"collect.real: expected attempts of a target, got some of {SIMULATION}, which is the "
            "simulation: name their folder as collect.simulation"
        )
    targets = tuple(sorted({each.world for each in real}))
    found = Attempts(
        simulation=SIMULATION,
        targets=targets,
        sets=(*simulation, *real),
        worlds=tuple(_world_of(config, each, ctx) for each in targets if each in _TARGETS),
    )
    for world, where in ((SIMULATION, "simulation"), *((each, "real") for each in targets)):
        missing = {*_SPLITS} - {each.split for each in found.sets if each.world == world}
        if missing:
            raise DataError(
                f"collect.{where}: of {world}, expected the splits {', '.join(_SPLITS)}, got none "
                f"of {', '.join(sorted(missing))}: collect them with objects.split"
            )
    sizes = {each.picture_px for each in found.sets}
    if len(sizes) > 1:
        raise DataError(
            f"collect: expected pictures of one size, got {sorted(sizes)} px: collect all with one "
            "world.camera.size_px"
        )
    return found


def _sets_below(place: str, setting: str) -> list[AttemptSet]:
    folder = path_of(place, setting)
    if not folder.is_dir():
        raise DataError(f"{setting}: expected a folder of published data sets, got {place!r}")
    # Exports in other formats that lie beside the shards are Parquet files too.
    shards = [
        path
        for path in files_below(folder)[0]
        if path.suffix == ".parquet" and (path.parent.name == "shards" or path.parent == folder)
    ]
    if not shards:
        raise DataError(f"{setting}: expected shards/*.parquet below {folder}, found none")
    by_kind: dict[tuple[str, Split], list[Path]] = defaultdict(list)
    scenes: dict[str, str] = {}
    for path in shards_of(sorted(shards)):
        kind = _kind_of(path, scenes)
        by_kind[kind].append(path)
    return [_set_of(world, split, paths) for (world, split), paths in sorted(by_kind.items())]


def _kind_of(path: Path, scenes: dict[str, str]) -> tuple[str, Split]:
    """World and split of a shard; notes which split each scene is of.

    Raises:
        DataError: A shard holds two, or a scene stands in two splits.
    """
    rows = read_shard(path, _ABOUT)
    kinds = {*zip(rows["world"].to_pylist(), rows["split"].to_pylist(), strict=True)}
    if len(kinds) != 1:
        raise DataError(f"{path}: expected attempts of one world and split, got {sorted(kinds)}")
    ((world, split),) = kinds
    for scene in set(rows["scene_id"].to_pylist()):
        other = scenes.setdefault(f"{world}/{scene}", split)
        if other != split:
            raise DataError(f"{path}: scene {scene} stands in two splits, {other} and {split}")
    return world, split


def _set_of(world: str, split: Split, paths: list[Path]) -> AttemptSet:
    tables = [read_shard(path, _ABOUT) for path in paths]
    picture = decode_rgb(read_shard(paths[0], ["image_before"])["image_before"][0].as_py())
    num = sum(len(table) for table in tables)
    found = AttemptSet(
        world=world,
        split=split,
        shards=tuple(
            FileRef(uri=path.as_uri(), sha256=file_digest(path), num_bytes=path.stat().st_size)
            for path in paths
        ),
        num_attempts=num,
        num_successes=sum(pc.sum(table["is_success"]).as_py() or 0 for table in tables),
        picture_px=picture.shape[0],
    )
    if found.num_successes in (0, num):
        raise DataError(
            f"{world}, {split}: expected successes and failures, got {found.num_successes} "
            f"successes of {num} attempts"
        )
    return found


def _collected(config: CollectConfig, ctx: StageContext) -> Attempts:
    """Collect the attempts here, as `collect_grasps` does."""
    targets = _TARGETS if config.targets == "both" else (config.targets,)
    counts: Mapping[Split, int] = {
        "train": config.num_train,
        "validation": config.num_validation,
        "held_out": config.num_test,
    }
    sets, skipped = list[AttemptSet](), list[Skipped]()
    for world in (SIMULATION, *targets):
        # Another seed: a robot's attempts are no copies of the simulation's.
        seed = ctx.seed if world == SIMULATION else ctx.seed + 1
        for split, num in counts.items():
            made = _collect_set(
                _plan_of(config, world, split, num), seed, config.max_skipped_fraction, ctx
            )
            sets.append(made[0])
            skipped += made[1]
    return Attempts(
        simulation=SIMULATION,
        targets=targets,
        sets=tuple(sets),
        worlds=tuple(_world_of(config, each, ctx) for each in targets),
        objects=config.objects,
        skipped=tuple(skipped),
    )


def _world_of(config: CollectConfig, world: str, ctx: StageContext) -> TargetWorld:
    """Where grasps with held-out objects can be tried."""
    plan = _plan_of(config, world, "held_out", config.num_test)
    textures = pack_files(plan, ctx).get("textures")
    return TargetWorld(
        world=world, recipe=config_json(plan.scene), textures=textures.file if textures else None
    )


def _collect_set(
    config: PlanConfig, seed: int, max_skipped: float, ctx: StageContext
) -> tuple[AttemptSet, tuple[Skipped, ...]]:
    files = pack_files(config, ctx)
    policy = config.policy
    plan = GraspPlan(
        recipe=config_json(config.scene),
        mixture=config_json(
            Mixture(
                uniform=policy.uniform_share,
                near_object=1 - policy.uniform_share,
                spread_m=policy.spread_m,
            )
        ),
        pilot={},
        textures=files["textures"].file if "textures" in files else None,
        objects=None,
        model=None,
        num_attempts=config.num_attempts,
        attempts_per_scene=config.attempts_per_scene,
        scenes_per_shard=config.scenes_per_shard,
        split=config.objects.split,
        shards=plan_shards(config.num_attempts, config.attempts_per_scene, config.scenes_per_shard),
    )
    shards = ShardsConfig(max_skipped_fraction=max_skipped)
    found = collect(plan, SceneInputs.of(plan, seed), simulate_scene, shards, ctx)
    made = AttemptSet(
        world=config.world.name,
        split=config.objects.split,
        shards=tuple(shard.file for shard in found.shards),
        num_attempts=sum(shard.num_attempts for shard in found.shards),
        num_successes=sum(shard.num_successes for shard in found.shards),
        picture_px=config.world.camera.size_px,
    )
    return made, found.skipped


def _plan_of(config: CollectConfig, world: Any, split: Split, num: int) -> PlanConfig:
    camera = CameraConfig(
        size_px=config.size_px, view_deg=config.view_deg, g_buffers=world == SIMULATION
    )
    textures = config.textures if world == "bullet-structured" else ""
    return PlanConfig(
        num_attempts=num,
        attempts_per_scene=config.attempts_per_scene,
        scenes_per_shard=_SCENES_PER_SHARD,
        world=WorldConfig(name=world, camera=camera),
        objects=ObjectsConfig(
            family=config.objects if world == SIMULATION else config.target_objects, split=split
        ),
        randomise=RandomiseConfig(
            textures=textures, dynamics=config.dynamics and world == SIMULATION
        ),
        policy=PolicyConfig(
            uniform_share=config.uniform_share, spread_m=config.spread_m, steer=False
        ),
    )
