"""Collecting from the toy world: the real stage around scenes that cost next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, config_json, setting
from tasks.core.ports import ItemFolder, StageContext
from tasks.core.records import ArtifactRef
from tasks.core.stages import StageSpec, stage
from tasks.grasping.config import CollectConfig, SceneConfig
from tasks.grasping.data.rows import Origin, TriedGrasp
from tasks.grasping.data.shards import plan_shards
from tasks.grasping.manifests import GraspPlan, SceneRows, SceneTask
from tasks.grasping.scene_trials import SceneInputs, TriedScene
from tasks.grasping.stages.collect import collect, keep
from tasks.grasping.types import GripperPose, ObjectModel
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, GRASP_AREA_M
from tests.support.grasping.toy_world import BROKEN, ToyController, ToyWorld, toy_models, toy_scene

LEAKY = 2  # index of the scene that loses an object


@dataclass(frozen=True, config=SETTINGS)
class ToyCollectConfig(CollectConfig):
    """How the toys are collected, and what goes wrong."""

    seconds_per_scene: float = setting(0.0, ge=0, unit="s", help="CPU time of a scene.")
    marks: str = setting("", help="File that counts the scenes made.")
    broken: tuple[int, ...] = setting((), help="Scenes that show an object without a mesh.")


@dataclass(frozen=True, config=SETTINGS)
class ToySettings:
    """What each toy scene receives."""

    scene: SceneInputs
    seconds_per_scene: float
    marks: str
    broken: tuple[int, ...]

    @property
    def recipe_digest(self) -> str:
        """As of the scenes' settings."""
        return self.scene.recipe_digest

    @property
    def root_seed(self) -> int:
        """As of the scenes' settings."""
        return self.scene.root_seed


@stage(
    StageSpec(
        name="grasping.collect",
        section="collect",
        libraries=("numpy", "opencv-python-headless", "pyarrow"),
        draws=True,
    )
)
def collect_toys(plan: ArtifactRef, config: ToyCollectConfig, ctx: StageContext) -> ArtifactRef:
    """Collect the shards of a group."""
    found = ctx.store.read(plan, GraspPlan)
    scene = SceneInputs.of(found, ctx.seed)
    settings = ToySettings(scene, config.seconds_per_scene, config.marks, config.broken)
    return ctx.store.write(collect(found, settings, simulate_toy, config, ctx))


def simulate_toy(item: SceneTask, config: ToySettings, folder: ItemFolder) -> SceneRows:
    """Try grasps in one toy scene."""
    if config.marks:
        with Path(config.marks).open("a") as marks:
            marks.write(f"{item.item_id}\n")
    scene_rng, *rngs = folder.rng().spawn(1 + item.num_attempts)
    models = [ObjectModel(BROKEN, "procedural", "train", "")] * 3
    is_broken = item.index in config.broken
    scene = toy_scene(item.item_id, scene_rng, models if is_broken else toy_models())
    opened = ToyWorld(config.seconds_per_scene).open(scene)
    tried = []
    for rng in rngs:
        is_uniform = rng.random() < 0.3
        place_m = np.array(opened.objects[int(rng.integers(3))].position_m[:2])
        if is_uniform:
            place_m = BIN_CENTRE_M + (rng.random(2) - 0.5) * GRASP_AREA_M
        else:
            place_m = place_m + rng.normal(0, 0.025, 2)
        goal = GripperPose(*place_m.tolist(), BIN_FLOOR_M + 0.02, rng.uniform(-1.5, 1.5))
        start = GripperPose(0.55, 0.05, BIN_FLOOR_M + 0.2, 0.0)
        attempt = opened.attempt(ToyController(start, goal))
        tried.append(TriedGrasp(attempt, "uniform" if is_uniform else "near_object"))
    done = TriedScene(scene, opened.objects, opened.look(), tuple(tried), int(item.index == LEAKY))
    origin = Origin("bullet", config.recipe_digest, config.root_seed, "train", "procedural", {})
    return keep(done, origin, item, folder)


def toy_plans(
    num_attempts: int,
    attempts_per_scene: int = 4,
    scenes_per_shard: int = 3,
    num_groups: int = 1,
) -> list[GraspPlan]:
    """Plan toys, dealt to groups."""
    shards = plan_shards(num_attempts, attempts_per_scene, scenes_per_shard)
    plan = GraspPlan(
        recipe=config_json(SceneConfig()),
        mixture={},
        pilot={},
        textures=None,
        objects=None,
        model=None,
        num_attempts=num_attempts,
        attempts_per_scene=attempts_per_scene,
        scenes_per_shard=scenes_per_shard,
        split="train",
        shards=(),
    )
    return [plan.model_copy(update={"shards": shards[g::num_groups]}) for g in range(num_groups)]
