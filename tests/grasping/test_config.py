from __future__ import annotations

import json

import pytest

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.params import parse_config
from tasks.grasping.config import (
    ObjectsConfig,
    PlanConfig,
    RandomiseConfig,
    SceneConfig,
    WorldConfig,
)


def test_a_scene_is_the_plan_without_counts_and_policy():
    plan = PlanConfig(
        num_attempts=7,
        world=WorldConfig(name="surrogate"),
        objects=ObjectsConfig(num_per_scene=3),
        randomise=RandomiseConfig(camera=True),
    )
    assert plan.scene == SceneConfig(plan.world, plan.objects, plan.randomise)


def test_what_scenes_are_drawn_from_survives_json():
    scene = SceneConfig(
        objects=ObjectsConfig(num_per_scene=3), randomise=RandomiseConfig(camera=True)
    )
    assert parse_config(SceneConfig, json.loads(json.dumps(config_json(scene)))) == scene
    with pytest.raises(ConfigError, match="num_per_scene"):
        parse_config(SceneConfig, {"objects": {"num_per_scene": 0}})


@pytest.mark.parametrize(
    ("name", "appearance", "looks"),
    [
        ("bullet", False, "plain"),
        ("bullet", True, "randomise"),
        ("bullet-restyled", False, "surrogate"),
        ("bullet-restyled", True, "surrogate"),
        ("bullet-structured", False, "structured"),
        ("bullet-structured", True, "structured"),
        ("surrogate", False, "surrogate"),
    ],
)
def test_looks_follow_world_and_switch(name: str, appearance: bool, looks: str):
    scene = SceneConfig(
        world=WorldConfig(name=name), randomise=RandomiseConfig(appearance=appearance)
    )
    assert scene.looks == looks
    assert scene.is_seen_by_surrogate == (name != "bullet")
