"""First stage: the attempts to learn from, read where a user keeps them, or collected here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from tasks.core.config import config_json
from tasks.core.errors import ConfigError, DataError
from tasks.core.ports import Skipped, StageContext
from tasks.core.records import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage
from tasks.graspgan.config import CollectConfig
from tasks.graspgan.manifests import Attempts, AttemptSet, TargetWorld
from tasks.graspgan.samples.checking import SIZE
from tasks.graspgan.samples.folders import LEAST_SCENES, SIMULATION, sets_below
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
from tasks.grasping.data.shards import plan_shards
from tasks.grasping.manifests import GraspPlan
from tasks.grasping.packed_files import pack_files
from tasks.grasping.scene_trials import SceneInputs
from tasks.grasping.stages.collect import collect, simulate_scene
from tasks.grasping.types import Split

_TARGETS: Final = ("bullet-structured", "surrogate")
_SPLITS: Final[tuple[Split, ...]] = get_args(Split)
_SCENES_PER_SHARD: Final = 25


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
        ConfigError: Too few attempts are to be collected.
        DataError: A folder lacks what is needed; the message says what. All attempts of a split
            end alike.
    """
    if bool(config.simulation) != bool(config.real):
        raise ConfigError(
            "collect.simulation and collect.real: name both folders, or none to collect both here; "
            f"got {config.simulation!r} and {config.real!r}"
        )
    found = _given(config, ctx) if config.simulation else _collected(config, ctx)
    _check_outcomes(found)
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
        DataError: A world or a split is missing, in the wrong folder, or of another picture size.
    """
    simulation = sets_below(config.simulation, "collect.simulation")
    real = sets_below(config.real, "collect.real")
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
            f"{SIZE}"
        )
    if sizes != {config.size_px} and found.worlds:
        raise DataError(
            f"collect: expected pictures of collect.size_px, {config.size_px} px, got "
            f"{sizes.pop()} px: give the size_px and view_deg that they were collected with, which "
            "grasps in their world are tried with, too"
        )
    return found


def _check_outcomes(found: Attempts) -> None:
    """Where all attempts end alike there is nothing to learn, to choose by, or to test."""
    for each in found.sets:
        if each.num_successes in (0, each.num_attempts):
            raise DataError(
                f"{each.world}, {each.split}: expected successes and failures, got "
                f"{each.num_successes} successes of {each.num_attempts} attempts: collect more, or "
                "with another policy"
            )


def _collected(config: CollectConfig, ctx: StageContext) -> Attempts:
    """Collect the attempts here, as `collect_grasps` does.

    Raises:
        ConfigError: A split would be of one scene.
    """
    targets = _TARGETS if config.targets == "both" else (config.targets,)
    counts: Mapping[Split, int] = {
        "train": config.num_train,
        "validation": config.num_validation,
        "held_out": config.num_test,
    }
    for name, num in zip(("num_train", "num_validation", "num_test"), counts.values(), strict=True):
        if num <= (LEAST_SCENES - 1) * config.attempts_per_scene:
            raise ConfigError(
                f"collect.{name}: expected attempts in {LEAST_SCENES} scenes or more, got {num} "
                f"with collect.attempts_per_scene {config.attempts_per_scene}: ask for more, or "
                "for fewer of a scene"
            )
    sets, skipped = list[AttemptSet](), list[Skipped]()
    worlds = [_world_of(config, each, ctx) for each in (SIMULATION, *targets)]
    for each in worlds:
        # Another seed: a robot's attempts are no copies of the simulation's.
        seed = ctx.seed if each.world == SIMULATION else ctx.seed + 1
        for split, num in counts.items():
            plan = _plan_of(config, each.world, split, num)
            made = _collect_set(plan, each.textures, seed, config.max_skipped_fraction, ctx)
            sets.append(made[0])
            skipped += made[1]
    return Attempts(
        simulation=SIMULATION,
        targets=targets,
        sets=tuple(sets),
        worlds=tuple(each for each in worlds if each.world != SIMULATION),
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
    config: PlanConfig, textures: FileRef | None, seed: int, max_skipped: float, ctx: StageContext
) -> tuple[AttemptSet, tuple[Skipped, ...]]:
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
        textures=textures,
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
