"""First stage: check the settings, pack what they name, choose the mixture, deal out shards.

Everything that is decided is decided here and frozen: collecting draws, but chooses nothing.
The same settings and files give the same plan, so that a larger data set goes on where a
smaller one ended.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.outside.copies import path_of
from tasks.core.ports import StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.algorithms.steering import pilot_mixture, steer, wished_mixture
from tasks.grasping.config import PlanConfig, SceneConfig
from tasks.grasping.data.shards import plan_shards
from tasks.grasping.manifests import GraspPlan
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.folder import user_urdfs
from tasks.grasping.packed_files import Kind, PackedFile, pack_files
from tasks.grasping.pictures.pilot import pilot_plot
from tasks.grasping.pilot import is_steered, pilot_figures, read_earlier, run_pilot
from tasks.grasping.scene_trials import SceneInputs

_LOG = logging.getLogger(__name__)


@stage(
    StageSpec(
        name="grasping.plan",
        section="plan",
        libraries=(
            "numpy",
            "scipy",
            "opencv-python-headless",
            "pyarrow",
            "pybullet",
            "mujoco",
            "torch",
            "matplotlib",
        ),
        draws=True,
        reads_outside=True,
        fans_out=True,
    )
)
def plan_collection(config: PlanConfig, ctx: StageContext) -> list[ArtifactRef]:
    """Freeze what to collect and deal its shards out to groups."""
    check_settings(config)
    files = pack_files(config, ctx)
    _say_what_was_packed(config, files, ctx)
    settings = _settings(config, files, ctx.seed)
    mixture, figures = _choose_mixture(config, settings, ctx)
    shards = plan_shards(config.num_attempts, config.attempts_per_scene, config.scenes_per_shard)
    plan = GraspPlan(
        recipe=settings.recipe,
        mixture=config_json(mixture),
        pilot=figures,
        textures=settings.textures,
        objects=settings.objects,
        model=settings.model,
        left_out=tuple(each for f in files.values() for each in (*f.skipped, *f.duplicates)),
        remarks=tuple(each for f in files.values() for each in f.remarks),
        num_attempts=config.num_attempts,
        attempts_per_scene=config.attempts_per_scene,
        scenes_per_shard=config.scenes_per_shard,
        split=config.objects.split,
        shards=(),
    )
    num_groups = max(1, min(ctx.num_groups, len(shards)))
    ctx.tracker.log_metrics(
        {
            "scenes": float(sum(shard.num_scenes for shard in shards)),
            "shards": float(len(shards)),
            "groups": float(num_groups),
        }
    )
    return [
        ctx.store.write(plan.model_copy(update={"shards": shards[group::num_groups]}))
        for group in range(num_groups)
    ]


def check_settings(config: PlanConfig) -> None:
    """Make sure that settings agree with each other and that there are files of objects.

    Raises:
        ConfigError: They don't; the message names the settings.
    """
    randomise, policy, objects = config.randomise, config.policy, config.objects
    for name, low, high in (
        ("randomise.friction", randomise.friction_low, randomise.friction_high),
        ("policy.success", policy.success_low, policy.success_high),
    ):
        if low > high:
            raise ConfigError(
                f"{name}_low: expected at most {name}_high, {high:g}, got {low:g}: an empty range"
            )
    if objects.family == "folder":
        folder = path_of(objects.folder, "objects.folder") if objects.folder else None
        if folder is None or not folder.is_dir():
            raise ConfigError(
                f"objects.folder: expected a folder of URDF files, got {objects.folder!r}; name "
                "one or choose another objects.family"
            )
        user_urdfs(folder)
    for name, is_used, why in (
        ("objects.folder", objects.family == "folder", "objects.family is not 'folder'"),
        ("policy.model", policy.kind == "model", "policy.kind is not 'model'"),
        ("policy.earlier", is_steered(policy), "no mixture is steered"),
        ("randomise.textures", config.scene.looks != "plain", "nothing is painted"),
    ):
        section, _, field = name.partition(".")
        if not is_used and getattr(getattr(config, section), field):
            _LOG.warning("%s is set but not used: %s", name, why)


def _say_what_was_packed(
    config: PlanConfig, files: Mapping[str, PackedFile], ctx: StageContext
) -> None:
    """Say what is left out and what to look at, and make sure that there are objects.

    Raises:
        ConfigError: No object falls into the split.
    """
    objects, packed = config.objects, files.get("objects")
    if packed is None:
        counts = Counter(model.split for model in catalogue(objects.family))
    else:
        counts = Counter(packed.num_objects)
        for each in (*packed.skipped, *packed.duplicates):
            _LOG.warning("%s is left out: %s", each.item_id, each.reason)
        for remark in packed.remarks:
            _LOG.warning("%s: %s", remark.object_id, remark.remark)
        said = packed.model_dump(mode="json", include={"skipped", "duplicates", "remarks"})
        ctx.tracker.log_json(said | {"num_objects": dict(counts)}, "objects.json")
    num_usable = counts[objects.split]
    if not num_usable:
        raise ConfigError(
            f"objects.split: none of the {counts.total()} objects of the family "
            f"{objects.family!r} falls into {objects.split!r}; choose another split or add objects"
        )
    if num_usable < objects.num_per_scene:
        _LOG.warning(
            "objects.num_per_scene: a scene shows %d objects, and %r has %d: some show twice",
            objects.num_per_scene, objects.split, num_usable,
        )  # fmt: skip


def _settings(config: PlanConfig, files: dict[str, PackedFile], seed: int) -> SceneInputs:
    """What the pilot's scenes have in common."""
    return SceneInputs(
        recipe=config_json(_frozen(config.scene)),
        mixture=config_json(pilot_mixture(config.policy)),
        **{kind: files[kind].file if kind in files else None for kind in get_args(Kind)},
        root_seed=seed,
    )


def _frozen(scene: SceneConfig) -> SceneConfig:
    """Forget the user's folders: what lay there is packed and counts by its digest."""
    return replace(
        scene,
        objects=replace(scene.objects, folder=""),
        randomise=replace(scene.randomise, textures=""),
    )


def _choose_mixture(
    config: PlanConfig, settings: SceneInputs, ctx: StageContext
) -> tuple[Mixture, dict[str, float]]:
    policy = config.policy
    if not is_steered(policy):
        return wished_mixture(policy), {}
    rates = read_earlier(config) if policy.earlier else run_pilot(config, settings, ctx)
    figures = pilot_figures(rates)
    ctx.tracker.log_metrics({f"pilot_{name}": value for name, value in figures.items()})
    chosen = steer(rates, policy)
    figures |= {
        "expected_share": chosen.share,
        "expected_low": chosen.interval[0],
        "expected_high": chosen.interval[1],
    }
    ctx.tracker.log_json({"figures": figures, "mixture": config_json(chosen.mixture)}, "pilot.json")
    ctx.add_picture("pilot.png", pilot_plot(rates, chosen, policy))
    parts = dict(zip(("uniform", "near_object", "model"), chosen.mixture.weights, strict=True))
    _LOG.info(
        "mixture %s: %.2f of the attempts should succeed (95 %% interval %.2f to %.2f)",
        parts, chosen.share, *chosen.interval,
    )  # fmt: skip
    if not chosen.is_sure:
        _LOG.warning(
            "the interval passes the bounds %g to %g: raise policy.pilot_attempts to be surer",
            policy.success_low, policy.success_high,
        )  # fmt: skip
    return chosen.mixture, figures
