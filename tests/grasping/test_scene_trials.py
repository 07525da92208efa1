from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.config import config_json
from tasks.core.errors import ConfigError, DataError
from tasks.core.records import FileRef
from tasks.grasping import scene_trials
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.config import (
    CameraConfig,
    ObjectsConfig,
    PhysicsConfig,
    SceneConfig,
    WorldConfig,
)
from tasks.grasping.data.rows import Origin
from tasks.grasping.looks.textures import Textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.scene_trials import SceneInputs, Workshop, try_scene, workshop_of
from tasks.grasping.types import Scene
from tasks.grasping.workspace import OPENING_SLACK_M
from tasks.grasping.worlds.registry import open_world
from tests.support.grasping.surrogate_scenes import needs_renderer
from tests.support.grasping.toy_world import ToyScene, ToyWorld, toy_models


@pytest.fixture
def settings() -> SceneInputs:
    return SceneInputs(
        recipe=config_json(SceneConfig()),
        mixture=config_json(Mixture(uniform=0.5, near_object=0.5)),
        textures=None,
        objects=None,
        model=None,
        root_seed=0,
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[ToyWorld]:
    """Toy worlds that stand in for those that a workshop opens."""
    worlds: list[ToyWorld] = []

    def open_toy(config: WorldConfig, textures: object) -> ToyWorld:
        worlds.append(ToyWorld())
        return worlds[-1]

    monkeypatch.setattr(scene_trials, "open_world", open_toy)
    monkeypatch.setattr(scene_trials, "_open", {})
    return worlds


def nowhere(file: FileRef) -> Path:
    raise AssertionError(f"nothing to fetch, asked for {file}")


def toy_workshop() -> Workshop:
    origin = Origin("bullet", "d" * 64, 0, "train", "procedural", {})
    mixture = Mixture(uniform=0.5, near_object=0.5)
    return Workshop(SceneConfig(), mixture, ToyWorld(), toy_models(), 0, None, origin)


def test_a_workshop_stays_open_while_its_settings_are_the_same(
    settings: SceneInputs, opened: list[ToyWorld]
) -> None:
    first = workshop_of(settings, nowhere)
    assert workshop_of(replace(settings), nowhere) is first
    second = workshop_of(replace(settings, root_seed=1), nowhere)
    assert second is not first
    assert [world.is_closed for world in opened] == [True, False]
    assert second.origin.root_seed == 1


def test_what_decides_the_rows_decides_the_digest(settings: SceneInputs) -> None:
    file = FileRef(uri="here", sha256="a" * 64, num_bytes=1)
    other = SceneConfig(objects=ObjectsConfig(num_per_scene=4))
    digests = [
        each.recipe_digest
        for each in (
            settings,
            replace(settings, recipe=config_json(other)),
            replace(settings, mixture=config_json(Mixture())),
            replace(settings, textures=file),
            replace(settings, objects=file),
            replace(settings, model=file),
            replace(settings, model=file.model_copy(update={"sha256": "b" * 64})),
        )
    ]
    assert len(set(digests)) == len(digests)
    moved = replace(settings, textures=file.model_copy(update={"uri": "elsewhere"}))
    assert moved.recipe_digest == digests[3], "where a file lies is no part of the data"


def test_only_objects_of_the_split_are_shown(settings: SceneInputs, opened: list[ToyWorld]) -> None:
    held_out = SceneConfig(objects=ObjectsConfig(split="held_out"))
    workshop = workshop_of(replace(settings, recipe=config_json(held_out)), nowhere)
    assert {model.split for model in workshop.models} == {"held_out"}
    assert workshop.origin.split == "held_out"


def test_a_family_without_objects_of_the_split_is_refused(
    settings: SceneInputs, opened: list[ToyWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene_trials, "catalogue", lambda family, folder: toy_models(3))
    held_out = SceneConfig(objects=ObjectsConfig(split="held_out"))
    with pytest.raises(ConfigError, match="none of the 3 objects falls into the split 'held_out'"):
        workshop_of(replace(settings, recipe=config_json(held_out)), nowhere)


def test_a_scene_is_drawn_from_its_own_generator() -> None:
    workshop = toy_workshop()
    one, other, different = (
        try_scene(workshop, "a", 5, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert one.objects == other.objects
    assert [t.attempt.steps[0].target for t in one.tried] == [
        t.attempt.steps[0].target for t in other.tried
    ]
    assert one.objects != different.objects


def test_more_attempts_leave_the_first_ones_as_they_are() -> None:
    few, many = (
        try_scene(toy_workshop(), "a", number, np.random.default_rng(1)) for number in (3, 9)
    )
    assert few.objects == many.objects
    assert len(many.tried) == 9
    assert [(t.policy, t.attempt.steps[0].target) for t in few.tried] == [
        (t.policy, t.attempt.steps[0].target) for t in many.tried[:3]
    ]
    assert {t.policy for t in many.tried} == {"uniform", "near_object"}


class Sieve(ToyWorld):
    """A world through whose floor some objects fall.

    Args:
        lost: Their ids.
    """

    def __init__(self, lost: Collection[str]) -> None:
        super().__init__()
        self._lost = lost

    def open(self, scene: Scene) -> ToyScene:
        found = super().open(scene)
        found.objects = tuple(
            replace(state, is_in_bin=placed.model.object_id not in self._lost)
            for placed, state in zip(scene.objects, found.objects, strict=True)
        )
        return found


def names_of(scene: Scene) -> list[str]:
    return [placed.model.object_id for placed in scene.objects]


def test_objects_that_fall_out_of_the_bin_are_left_out() -> None:
    whole = try_scene(toy_workshop(), "a", 2, np.random.default_rng(1))
    lost, *others = names_of(whole.scene)
    workshop = replace(toy_workshop(), world=Sieve([lost]))
    found = try_scene(workshop, "a", 2, np.random.default_rng(1))
    assert names_of(found.scene) == others
    assert (found.num_lost, whole.num_lost) == (1, 0)
    assert found.objects == whole.objects[1:]
    assert found.before.instance_ids.max() == len(others)


def test_a_scene_that_no_object_stays_in_is_no_scene() -> None:
    every = [model.object_id for model in toy_workshop().models]
    with pytest.raises(
        DataError, match="a: expected objects that come to rest in the bin, none of"
    ):
        try_scene(replace(toy_workshop(), world=Sieve(every)), "a", 2, np.random.default_rng(1))


@pytest.mark.parametrize("name", ["bullet", "surrogate"])
def test_nothing_pries_the_fingers_apart(name: str) -> None:
    """Without end stops a third of these successes in bullet have fingers wider than they open."""
    if name == "surrogate":
        needs_renderer()
    physics = PhysicsConfig(opening_m=0.06)
    config = SceneConfig(world=WorldConfig(name, physics, CameraConfig(size_px=16)))  # type: ignore[arg-type]
    world = open_world(config.world, Textures(np.zeros((8, 16, 16, 3), np.uint8)))
    models = tuple(model for model in catalogue("procedural") if model.split == "train")
    origin = Origin(name, "d" * 64, 0, "train", "procedural", {})
    workshop = Workshop(config, Mixture(0.3, 0.7), world, models, 8, None, origin)
    try:
        scenes = [try_scene(workshop, f"s{k}", 12, np.random.default_rng([5, k])) for k in range(3)]
    finally:
        world.close()
    tried = [each.attempt for scene in scenes for each in scene.tried]
    gaps_m = np.array([attempt.finger_gap_m for attempt in tried])
    assert gaps_m.max() <= physics.opening_m + OPENING_SLACK_M
    assert 4 <= sum(attempt.is_success for attempt in tried) <= 18, "yet it lifts"
