from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.grasping.algorithms.cameras import STATIONS
from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.algorithms.scenes import draw_scene, without_objects
from tasks.grasping.config import ObjectsConfig, RandomiseConfig, SceneConfig, WorldConfig
from tasks.grasping.types import ObjectModel, Scene
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M

MODELS = [
    ObjectModel(f"test/{k}", "test", "held_out" if k % 5 == 0 else "train", f"{k}.urdf", 0.06)
    for k in range(30)
]
PLAIN = SceneConfig()
SURROGATES = ("surrogate", "bullet-restyled", "bullet-structured")


def scene(recipe: SceneConfig = PLAIN, seed: int = 1, num_textures: int = 20) -> Scene:
    return draw_scene("s", recipe, MODELS, num_textures, np.random.default_rng([seed, 7]))


def world(name: str) -> SceneConfig:
    return SceneConfig(world=WorldConfig(name=name))


def test_same_generator_same_scene_and_other_generator_other_scene():
    first, again, other = scene(seed=1), scene(seed=1), scene(seed=2)

    assert first.objects == again.objects
    assert first.noise_seed == again.noise_seed
    assert first.objects != other.objects
    assert first.noise_seed != other.noise_seed


@pytest.mark.parametrize("switch", ["appearance", "camera", "dynamics"])
@pytest.mark.parametrize("name", ["bullet", "bullet-restyled", "bullet-structured"])
def test_a_switch_changes_what_it_switches_and_nothing_else(name: str, switch: str):
    world_config = WorldConfig(name=name)
    off = scene(SceneConfig(world=world_config))
    on = scene(SceneConfig(world=world_config, randomise=RandomiseConfig(**{switch: True})))

    assert on.objects == off.objects
    assert on.noise_seed == off.noise_seed
    assert (on.dynamics != off.dynamics) == (switch == "dynamics")
    has_moved = not np.array_equal(on.camera.camera_from_base, off.camera.camera_from_base)
    assert has_moved == (switch == "camera")
    assert (on.look != off.look) == (switch == "appearance" and name == "bullet")


def test_two_switches_draw_what_each_draws_alone():
    both = scene(
        SceneConfig(randomise=RandomiseConfig(dynamics=True, camera=True, appearance=True))
    )
    dynamics = scene(SceneConfig(randomise=RandomiseConfig(dynamics=True)))
    camera = scene(SceneConfig(randomise=RandomiseConfig(camera=True)))
    appearance = scene(SceneConfig(randomise=RandomiseConfig(appearance=True)))

    assert both.dynamics == dynamics.dynamics
    np.testing.assert_array_equal(both.camera.camera_from_base, camera.camera.camera_from_base)
    assert both.look == appearance.look


def test_worlds_show_the_same_objects_let_fall_in_the_same_way():
    plain = scene()
    for name in SURROGATES:
        other = scene(world(name))
        assert other.objects == plain.objects
        assert other.dynamics == plain.dynamics
    restyled, structured = scene(world("bullet-restyled")), scene(world("bullet-structured"))
    assert scene(world("surrogate")).look == restyled.look
    np.testing.assert_array_equal(
        restyled.camera.camera_from_base, structured.camera.camera_from_base
    )
    assert structured.look.prints
    assert not restyled.look.prints


def test_look_is_plain_unless_asked_for_and_always_there_for_the_surrogate():
    assert scene().look is None
    assert scene(SceneConfig(randomise=RandomiseConfig(appearance=True))).look is not None
    for name in SURROGATES:
        look = scene(world(name)).look
        assert look is not None
        assert len(look.objects) == PLAIN.objects.num_per_scene
        assert {look.background.texture, look.tray.texture} <= {-1, *range(10, 20)}


def test_all_stations_of_the_surrogate_serve_and_bend_the_picture():
    scenes = [scene(world("surrogate"), seed) for seed in range(60)]

    assert {each.camera.distortion for each in scenes} == {each.distortion for each in STATIONS}
    for each in scenes:
        assert each.calibration is not None
        assert each.calibration.distortion == each.camera.distortion
    assert scene().calibration is None
    assert scene().camera.distortion == (0, 0)


def test_dynamics_are_nominal_unless_drawn():
    assert scene().dynamics == nominal_dynamics(5)


def test_only_objects_of_the_split_are_used_each_once_while_they_last():
    train = scene(SceneConfig(objects=ObjectsConfig(num_per_scene=20)))
    names = [placed.model.object_id for placed in train.objects]
    assert len(set(names)) == 20
    assert {placed.model.split for placed in train.objects} == {"train"}

    held_out = scene(SceneConfig(objects=ObjectsConfig(split="held_out", num_per_scene=20)))
    assert len(held_out.objects) == 20
    assert {placed.model.split for placed in held_out.objects} == {"held_out"}


def test_every_object_of_the_split_has_its_turn():
    used = {placed.model.object_id for seed in range(40) for placed in scene(seed=seed).objects}
    assert used == {model.object_id for model in MODELS if model.split == "train"}


def test_split_without_objects_is_refused():
    with pytest.raises(ConfigError, match="none of 30 objects of the family 'procedural' is in"):
        scene(SceneConfig(objects=ObjectsConfig(split="validation")))


@pytest.mark.parametrize("num", [1, 5, 20])
def test_objects_start_above_the_bin_and_clear_of_each_other(num: int):
    recipe = SceneConfig(objects=ObjectsConfig(num_per_scene=num))
    models = [replace(model, reach_m=0.03 + 0.002 * k) for k, model in enumerate(MODELS)]
    for seed in range(10):
        drawn = draw_scene("s", recipe, models, 0, np.random.default_rng(seed))
        for placed in drawn.objects:
            offset = np.abs(np.array(placed.position_m[:2]) - BIN_CENTRE_M)
            assert (offset < np.array(BIN_INNER_M) / 2).all()
            assert placed.position_m[2] - placed.model.reach_m > BIN_FLOOR_M
            assert np.linalg.norm(placed.quaternion_xyzw) == pytest.approx(1)
        for a, b in itertools.combinations(drawn.objects, 2):
            gap_m = np.linalg.norm(np.subtract(a.position_m, b.position_m))
            assert gap_m > a.model.reach_m + b.model.reach_m


def test_places_and_turns_vary():
    scenes = [scene(seed=seed) for seed in range(100)]
    places = np.array([placed.position_m[:2] for each in scenes for placed in each.objects])
    np.testing.assert_allclose(places.mean(0), BIN_CENTRE_M, atol=0.02)
    assert (np.ptp(places, axis=0) > 0.2).all()
    turns = np.array([placed.quaternion_xyzw for each in scenes for placed in each.objects])
    assert np.abs(turns.T @ turns / len(turns) - np.eye(4) / 4).max() < 0.05  # evenly turned


def test_without_some_objects_the_others_keep_what_is_theirs():
    recipe = SceneConfig(
        world=WorldConfig("bullet-restyled"), randomise=RandomiseConfig(dynamics=True)
    )
    whole = scene(recipe, seed=3)
    assert whole.look is not None
    fewer = without_objects(whole, {1, 3})

    assert fewer.objects == tuple(whole.objects[k] for k in (0, 2, 4))
    for name in ("mass_scale", "friction", "restitution", "damping"):
        every = getattr(whole.dynamics, name)
        assert getattr(fewer.dynamics, name) == (every[0], every[2], every[4])
    assert fewer.look == replace(whole.look, objects=whole.look.objects[::2])
