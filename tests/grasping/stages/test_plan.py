from __future__ import annotations

import functools
import logging
from dataclasses import replace

import cv2
import numpy as np
import pytest

from operators.stage import key as stage_key
from operators.stage.local import LocalRun
from tasks.core.config import config_json
from tasks.core.errors import ConfigError, DataError
from tasks.core.params import parse_config
from tasks.grasping import pilot
from tasks.grasping.algorithms.policies import Mixture
from tasks.grasping.config import (
    CameraConfig,
    ObjectsConfig,
    PlanConfig,
    PolicyConfig,
    RandomiseConfig,
    SceneConfig,
    WorldConfig,
)
from tasks.grasping.looks.structured import structured_textures
from tasks.grasping.looks.textures import load_textures, read_textures
from tasks.grasping.manifests import GraspPlan
from tasks.grasping.objects.archive import unpack
from tasks.grasping.policy_model import load_model
from tasks.grasping.scene_trials import SceneInputs, Workshop, origin_of
from tasks.grasping.stages.plan import plan_collection
from tests.support.grasping.grasp_models import save_model
from tests.support.grasping.object_files import link_of
from tests.support.grasping.toy_world import BROKEN, ToyWorld, toy_models

STEERED = PlanConfig(policy=PolicyConfig(pilot_attempts=120))
UNSTEERED = PlanConfig(policy=PolicyConfig(steer=False))


class Toys:
    """Opens toy worlds in place of real ones, and counts their scenes."""

    def __init__(self):
        self.models = toy_models()
        self.world = ToyWorld()
        self.settings: list[SceneInputs] = []

    def __call__(self, settings, fetch):
        if settings not in self.settings:
            self.settings.append(settings)
        recipe = parse_config(SceneConfig, settings.recipe)
        model = load_model(fetch(settings.model)) if settings.model else None
        return Workshop(
            config=recipe,
            mixture=parse_config(Mixture, settings.mixture),
            world=self.world,
            models=self.models,
            num_textures=0,
            policy_model=model,
            origin=origin_of(settings, recipe),
        )


_code_digest = functools.cache(stage_key.code_digest)


@pytest.fixture
def toys(monkeypatch):
    found = Toys()
    monkeypatch.setattr(stage_key, "code_digest", _code_digest)  # a second for each run
    monkeypatch.setattr(pilot, "workshop_of", found)
    return found


def plan(folder, config, seed=0, **options):
    run = LocalRun(folder, seed=seed, **options)
    refs = run.run(plan_collection, config=config)
    return [run.read(ref, GraspPlan) for ref in refs], run


def write_pictures(folder, count=4):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        cv2.imwrite(str(folder / f"{index}.png"), rng.integers(0, 256, (40, 60, 3), np.uint8))
    return folder


def cube(side):
    return link_of(f'<box size="{side} {side} {side}"/>')


def write_objects(folder, count=30, side=0.04):
    folder.mkdir()
    for index in range(count):
        (folder / f"block{index:02d}.urdf").write_text(cube(side + 1e-5 * index))
    return folder


def test_a_plan_without_a_pilot_has_the_wished_mixture(tmp_path, toys):
    (found,), _ = plan(tmp_path, UNSTEERED)
    assert found.mixture["uniform"] == 0.3
    assert found.mixture["near_object"] == 0.7
    assert found.pilot == {}
    assert (found.textures, found.objects, found.model) == (None, None, None)
    assert sum(shard.num_scenes for shard in found.shards) == 100
    assert toys.world.num_opened == 0


def test_shards_are_dealt_to_groups(tmp_path, toys):
    (tmp_path / "profile.yaml").write_text(
        'store_uri: x\ntracking_uri: ""\nray_address: ""\nnum_jobs: 3\n'
    )
    config = replace(UNSTEERED, num_attempts=12 * 7, scenes_per_shard=1)
    found, _ = plan(tmp_path, config, profile=str(tmp_path / "profile.yaml"))
    assert len(found) == 3
    assert sorted(s.first_scene for each in found for s in each.shards) == list(range(7))
    without = {each.model_copy(update={"shards": ()}).model_dump_json() for each in found}
    assert len(without) == 1


def test_the_pilot_decides_the_mixture(tmp_path, toys):
    (found,), _ = plan(tmp_path, STEERED)
    assert toys.world.num_opened == 20, "120 attempts of each of two kinds, 12 in a scene"
    assert found.pilot["uniform_attempts"] + found.pilot["near_object_attempts"] == 240
    assert found.pilot["near_object_share"] > found.pilot["uniform_share"] + 0.2
    mixture = parse_config(Mixture, found.mixture)
    assert mixture.uniform >= 0.3
    expected = mixture.uniform * found.pilot["uniform_share"]
    expected += mixture.near_object * found.pilot["near_object_share"]
    assert found.pilot["expected_share"] == pytest.approx(expected)
    assert 0.3 <= expected <= 0.6
    assert found.pilot["expected_low"] < expected < found.pilot["expected_high"]


def test_the_pilot_tells_the_truth(tmp_path, toys):
    """What is collected with the mixture succeeds as often as the plan says."""
    (found,), run = plan(tmp_path, STEERED, seed=3)
    settings = replace(SceneInputs.of(found, 3))
    workshop = toys(settings, run.fetch)
    done = [
        pilot.try_scene(workshop, f"scene-{index}", 12, np.random.default_rng(index))
        for index in range(60)
    ]
    share = np.mean([each.attempt.is_success for scene in done for each in scene.tried])
    assert found.pilot["expected_low"] - 0.03 < share < found.pilot["expected_high"] + 0.03


def test_a_larger_plan_has_the_same_recipe(tmp_path, toys):
    (small,), _ = plan(tmp_path, replace(STEERED, num_attempts=120))
    num_opened = toys.world.num_opened
    (large,), _ = plan(tmp_path, replace(STEERED, num_attempts=1200))
    assert toys.world.num_opened == num_opened, "the pilot is not run again"
    assert SceneInputs.of(small, 0) == SceneInputs.of(large, 0)
    assert large.shards[0].num_scenes > small.shards[0].num_scenes


def test_the_same_settings_give_the_same_plan_anywhere(tmp_path, toys):
    (one,), _ = plan(tmp_path / "one", STEERED)
    (other,), _ = plan(tmp_path / "other", STEERED)
    (third,), _ = plan(tmp_path / "third", STEERED, seed=1)
    assert one == other
    assert one.pilot != third.pilot


def test_pilot_scenes_are_none_of_the_data(tmp_path, toys, monkeypatch):
    ids = []
    inner = pilot.try_scene
    monkeypatch.setattr(
        pilot,
        "try_scene",
        lambda w, item_id, *rest: ids.append(item_id) or inner(w, item_id, *rest),
    )
    plan(tmp_path, STEERED)
    assert len(set(ids)) == 20
    assert all(each.startswith("pilot-train-0-") for each in ids)


def test_bounds_out_of_reach_end_the_run(tmp_path, toys):
    policy = replace(STEERED.policy, success_low=0.97, success_high=1.0)
    with pytest.raises(ConfigError, match=r"policy\.success_low.*measured were uniform"):
        plan(tmp_path, PlanConfig(policy=policy))


def test_a_pilot_that_can_not_be_simulated_ends_the_run(tmp_path, toys):
    toys.models = tuple(replace(model, object_id=BROKEN) for model in toy_models())
    with pytest.raises(DataError, match=r"20 of 20 items.*expected a mesh"):
        plan(tmp_path, STEERED)


def test_textures_are_packed_by_content(tmp_path, toys):
    config = replace(UNSTEERED, randomise=RandomiseConfig(appearance=True))
    digests = []
    for name in ("here", "there"):
        folder = write_pictures(tmp_path / name)
        given = replace(config, randomise=replace(config.randomise, textures=str(folder)))
        (found,), run = plan(tmp_path / f"store-{name}", given)
        digests.append(SceneInputs.of(found, 0).recipe_digest)
        assert load_textures(run.fetch(found.textures)).num == 4
    assert digests[0] == digests[1], "where the user keeps them is no part of the data"
    cv2.imwrite(str(tmp_path / "there" / "4.png"), np.zeros((9, 9, 3), np.uint8))
    (found,), _ = plan(tmp_path / "store-later", given)
    assert SceneInputs.of(found, 0).recipe_digest != digests[0]


def test_textures_are_generated_where_none_are_given(tmp_path, toys):
    config = replace(UNSTEERED, world=WorldConfig(name="surrogate"))
    (found,), run = plan(tmp_path, config)
    textures = load_textures(run.fetch(found.textures))
    assert textures.num >= 100
    assert len({image.tobytes() for image in textures.images}) == textures.num


STRUCTURED = replace(UNSTEERED, world=WorldConfig(name="bullet-structured"))


def test_a_target_of_structured_looks_is_the_same_whatever_the_seed(tmp_path, toys):
    files = []
    for seed in (0, 1):
        (found,), run = plan(tmp_path / str(seed), STRUCTURED, seed)
        files.append(found.textures.sha256)
    assert files[0] == files[1]
    packed, expected = load_textures(run.fetch(found.textures)), structured_textures()
    np.testing.assert_array_equal(packed.images, expected.images)


def test_photographs_of_a_folder_serve_structured_looks(tmp_path, toys):
    folder = write_pictures(tmp_path / "pictures")
    config = replace(STRUCTURED, randomise=RandomiseConfig(textures=str(folder)))
    (found,), run = plan(tmp_path / "store", config)
    packed = load_textures(run.fetch(found.textures))
    expected = structured_textures(read_textures(folder))
    np.testing.assert_array_equal(packed.images, expected.images)


def test_objects_travel_with_the_plan(tmp_path, toys):
    folder = write_objects(tmp_path / "objects")
    config = replace(UNSTEERED, objects=ObjectsConfig(family="folder", folder=str(folder)))
    (found,), run = plan(tmp_path / "store", config)
    assert found.recipe["objects"]["folder"] == ""
    unpacked = unpack(run.fetch(found.objects))
    assert len(list(unpacked.rglob("*.urdf"))) == 30
    assert (found.left_out, found.remarks) == ((), ())


def test_what_is_left_out_and_what_is_odd_stands_in_the_plan_and_in_the_log(tmp_path, toys, caplog):
    folder = write_objects(tmp_path / "objects")
    (folder / "copy.urdf").write_text((folder / "block03.urdf").read_text())
    (folder / "paper.urdf").write_text(cube(1e-4))
    odd = cube(0.03).replace("0.03 0.03 0.03", "0.03 0.03 0.05", 1)
    (folder / "odd.urdf").write_text(odd)
    config = replace(UNSTEERED, objects=ObjectsConfig(family="folder", folder=str(folder)))
    with caplog.at_level(logging.WARNING):
        (found,), _ = plan(tmp_path / "store", config)
    assert [each.item_id for each in found.left_out] == ["folder/paper", "folder/copy"]
    assert "the same as folder/block03" in found.left_out[1].reason
    (said,) = found.remarks
    assert said.object_id == "folder/odd"
    for text in (*(each.reason for each in found.left_out), said.remark):
        assert text in caplog.text


def test_a_model_is_pinned_and_takes_part(tmp_path, toys):
    size_px = 48  # of the toy camera
    path = save_model(tmp_path / "model.pt2", size_px)
    policy = PolicyConfig(
        kind="model", model=str(path), pilot_attempts=40, model_candidates=8,
        success_low=0.0, success_high=1.0,
    )  # fmt: skip
    config = PlanConfig(
        world=WorldConfig(camera=CameraConfig(size_px=size_px)), policy=policy, attempts_per_scene=6
    )
    (found,), run = plan(tmp_path / "store", config)
    assert run.fetch(found.model).read_bytes() == path.read_bytes()
    assert found.pilot["model_attempts"] > 20
    assert found.mixture["model"] == pytest.approx(0.35)


def test_an_earlier_data_set_stands_in_for_the_pilot(tmp_path, toys, write_earlier):
    folder = write_earlier({"uniform": (200, 40), "near_object": (200, 160)})
    (found,), _ = plan(tmp_path / "store", PlanConfig(policy=PolicyConfig(earlier=str(folder))))
    assert toys.world.num_opened == 0
    assert found.pilot["uniform_share"] == pytest.approx(0.2)
    assert found.pilot["near_object_share"] == pytest.approx(0.8)
    assert found.mixture["uniform"] == pytest.approx(0.58, abs=0.03)


@pytest.fixture
def write_earlier(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tasks.grasping.data.rows import SCHEMA
    from tests.support.grasping.toy_rows import toy_rows

    def write(counts, world="bullet"):
        row = toy_rows(num_attempts=1).to_pylist()[0]
        rows = [
            row | {"policy": policy, "is_success": index < successes, "world": world,
                   "scene_id": f"train-0-{index % 40:07d}"}
            for policy, (attempts, successes) in counts.items()
            for index in range(attempts)
        ]  # fmt: skip
        (tmp_path / "earlier" / "shards").mkdir(parents=True)
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        pq.write_table(table, tmp_path / "earlier" / "shards" / "shard-00000.parquet")
        return tmp_path / "earlier"

    return write


@pytest.mark.parametrize(
    ("counts", "world", "message"),
    [
        ({"uniform": (80, 20)}, "bullet", "0 attempts of the policy near_object"),
        ({"uniform": (80, 9), "near_object": (80, 9)}, "surrogate", "made in the world surrogate"),
    ],
)
def test_an_earlier_data_set_must_fit(tmp_path, toys, write_earlier, counts, world, message):
    folder = write_earlier(counts, world)
    with pytest.raises(ConfigError, match=message):
        plan(tmp_path / "store", PlanConfig(policy=PolicyConfig(earlier=str(folder))))


def bad(**sections):
    return replace(UNSTEERED, **sections)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (bad(policy=PolicyConfig(success_low=0.7)), r"policy\.success_low: .* 0\.6, got 0\.7"),
        (bad(randomise=RandomiseConfig(friction_low=1.5)), r"randomise\.friction_low.*got 1\.5"),
        (bad(objects=ObjectsConfig(family="folder")), r"objects\.folder: expected a folder"),
        (
            bad(objects=ObjectsConfig(family="folder", folder="/nowhere")),
            r"objects\.folder.*/nowhere",
        ),
        (
            bad(randomise=RandomiseConfig(appearance=True, textures="/nowhere")),
            r"randomise\.textures.*/nowhere",
        ),
        (
            bad(
                world=WorldConfig(name="bullet-structured"),
                randomise=RandomiseConfig(textures="/nowhere"),
            ),
            r"randomise\.textures.*/nowhere",
        ),
        (bad(policy=PolicyConfig(kind="model")), r"policy\.model.*other policy\.kind"),
        (bad(policy=PolicyConfig(kind="model", model="/no.pt2")), r"policy\.model.*/no\.pt2"),
        (bad(policy=PolicyConfig(earlier="/nowhere")), r"policy\.earlier.*/nowhere"),
    ],
)
def test_settings_that_can_not_be_are_named(tmp_path, toys, config, message):
    if config.policy.earlier:
        config = replace(config, policy=replace(config.policy, steer=True))
    with pytest.raises(ConfigError, match=message):
        plan(tmp_path, config)
    assert toys.world.num_opened == 0


def test_an_empty_split_is_named(tmp_path, toys):
    folder = write_objects(tmp_path / "objects", count=1)  # block00 is of the split validation
    config = bad(objects=ObjectsConfig(family="folder", folder=str(folder), split="held_out"))
    with pytest.raises(ConfigError, match=r"objects\.split: none of the 1 objects"):
        plan(tmp_path / "store", config)


@pytest.mark.parametrize("world", ["bullet", "bullet-structured"])
def test_textures_that_are_no_pictures_are_named(tmp_path, toys, world):
    folder = write_pictures(tmp_path / "pictures")
    odd = [folder / "notes.txt", folder / "notes of last year.txt"]
    for each in odd:
        each.write_text("not a picture")
    randomise = RandomiseConfig(appearance=True, textures=str(folder))
    config = bad(world=WorldConfig(name=world), randomise=randomise)
    with pytest.raises(DataError, match=r"notes of last year\.txt is no picture.*notes\.txt is no"):
        plan(tmp_path / "store", config)
    for each in odd:
        each.unlink()  # repaired, the same command goes on
    assert plan(tmp_path / "store", config)[0]


def test_one_photograph_and_too_many_are_refused(tmp_path, toys, monkeypatch):
    folder = write_pictures(tmp_path / "pictures", count=1)
    config = replace(STRUCTURED, randomise=RandomiseConfig(textures=str(folder)))
    with pytest.raises(DataError, match=r"randomise\.textures: expected at least 2 pictures"):
        plan(tmp_path / "store", config)
    monkeypatch.setattr("tasks.grasping.looks.structured.MAX_TEXTURES", 6)
    write_pictures(folder / "more")
    with pytest.raises(ConfigError, match=r"randomise\.textures: expected 2 to 3 .* got 5"):
        plan(tmp_path / "store", config)


def test_broken_objects_are_all_named(tmp_path, toys):
    folder = write_objects(tmp_path / "objects")
    (folder / "one.urdf").write_text("<robot")
    (folder / "two.urdf").write_text(cube(3.0))
    config = bad(objects=ObjectsConfig(family="folder", folder=str(folder)))
    with pytest.raises(DataError, match=r"2 objects can't be used: .*one\.urdf.*two\.urdf"):
        plan(tmp_path / "store", config)


def test_more_objects_than_the_bin_holds_are_refused(tmp_path, toys):
    folder = write_objects(tmp_path / "objects", side=0.16)
    objects = ObjectsConfig(family="folder", folder=str(folder), num_per_scene=20)
    with pytest.raises(DataError, match=r"objects\.num_per_scene: 20 .* show 12 at most"):
        plan(tmp_path / "store", bad(objects=objects))


def test_a_model_for_other_pictures_is_refused(tmp_path, toys):
    path = save_model(tmp_path / "model.pt2", 16)
    config = bad(policy=PolicyConfig(kind="model", model=str(path)))
    with pytest.raises(DataError, match=r"policy\.model.*world\.camera\.size_px"):
        plan(tmp_path / "store", config)


def test_what_is_set_in_vain_is_mentioned(tmp_path, toys, caplog):
    config = bad(policy=PolicyConfig(steer=False, model="/some.pt2"))
    with caplog.at_level(logging.WARNING):
        plan(tmp_path, config)
    assert "policy.model is set but not used" in caplog.text
    assert "textures" not in caplog.text


def test_the_recipe_is_read_back(tmp_path, toys):
    config = bad(randomise=RandomiseConfig(dynamics=True, friction_low=0.6))
    (found,), _ = plan(tmp_path, config)
    recipe = parse_config(SceneConfig, found.recipe)
    assert recipe.randomise == config.randomise
    assert config_json(recipe) == found.recipe
