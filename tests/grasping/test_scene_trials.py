from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.core.config import config_json
from tasks.core.errors import ConfigError
from tasks.core.records import FileRef
from tasks.grasping import scene_trials
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.config import ObjectsConfig, SceneConfig, WorldConfig
from tasks.grasping.data.rows import Origin
from tasks.grasping.scene_trials import SceneInputs, Workshop, try_scene, workshop_of
from tests.support.grasping.toy_world import ToyWorld, toy_models


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
