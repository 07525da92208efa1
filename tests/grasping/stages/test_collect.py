from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from operators.stage.local import LocalRun
from operators.store.prune import prune
from operators.store.storage import Storage
from tasks.core.config import config_json
from tasks.core.errors import DataError
from tasks.core.records import ArtifactRef
from tasks.grasping.data.schema import read_shard
from tasks.grasping.manifests import ShardSet
from tasks.grasping.scene_trials import SceneInputs
from tests.support.grasping.toy_stages import ToyCollectConfig, collect_toys, toy_plans


def collected(local: LocalRun, ref: ArtifactRef) -> ShardSet:
    return local.read(ref, ShardSet)


def shard_bytes(local: LocalRun, shards: list[ShardSet]) -> dict[str, bytes]:
    return {s.item_id: local.fetch(s.file).read_bytes() for each in shards for s in each.shards}


def run(local: LocalRun, config: ToyCollectConfig, *, attempts: int, groups: int = 1) -> list:
    plans = toy_plans(attempts, num_groups=groups)
    return [collected(local, local.run(collect_toys, local.put(p), config=config)) for p in plans]


def test_a_plan_is_collected_in_full(tmp_path: Path) -> None:
    local = LocalRun(tmp_path, seed=5)
    (found,) = run(local, ToyCollectConfig(), attempts=30)
    assert [shard.item_id for shard in found.shards] == [f"shard-0000{i}" for i in range(3)]
    assert [shard.num_attempts for shard in found.shards] == [12, 12, 6], "30 and no more"
    rows = [
        row
        for shard in found.shards
        for row in read_shard(local.fetch(shard.file)).drop(["steps"]).to_pylist()
    ]
    assert [row["attempt_id"] for row in rows] == [
        f"bullet/train-5-{scene:07d}-{found.recipe_digest[:8]}/{k}"
        for scene in range(8)
        for k in range(4)
    ][:30]
    assert {row["recipe_digest"] for row in rows} == {found.recipe_digest}
    assert {row["root_seed"] for row in rows} == {5}
    assert sum(row["is_success"] for row in rows) == sum(s.num_successes for s in found.shards)
    assert 0 < sum(row["is_success"] for row in rows) < len(rows)


def test_the_number_of_groups_changes_no_byte(tmp_path: Path) -> None:
    bytes_of = []
    for groups in (1, 2, 4):
        local = LocalRun(tmp_path / str(groups), seed=5)
        shards = run(local, ToyCollectConfig(), attempts=48, groups=groups)
        bytes_of.append(shard_bytes(local, shards))
    assert len(bytes_of[0]) == 4
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]


def test_another_seed_gives_other_scenes(tmp_path: Path) -> None:
    shards = []
    for seed in (1, 2):
        local = LocalRun(tmp_path / str(seed), seed=seed)
        (found,) = run(local, ToyCollectConfig(), attempts=4)
        shards.append(read_shard(local.fetch(found.shards[0].file)))
    places = [table["object_positions_m"][0].as_py() for table in shards]
    assert not np.allclose(places[0], places[1])


def test_a_scene_alone_is_the_scene_in_sequence(tmp_path: Path) -> None:
    in_sequence, alone = LocalRun(tmp_path / "all", seed=5), LocalRun(tmp_path / "one", seed=5)
    (every,) = run(in_sequence, ToyCollectConfig(), attempts=36)
    (plan,) = toy_plans(36)
    last = plan.model_copy(update={"shards": plan.shards[-1:]})
    ref = alone.run(collect_toys, alone.put(last), config=ToyCollectConfig())
    one = collected(alone, ref).shards[0]
    assert one.file.sha256 == every.shards[-1].file.sha256


def test_growing_or_regrouping_a_data_set_redoes_nothing(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    local, config = LocalRun(tmp_path / "store", seed=5), ToyCollectConfig(marks=str(marks))
    run(local, config, attempts=20)
    run(local, config, attempts=60)
    run(local, config, attempts=60, groups=3)
    made = Counter(marks.read_text().split())
    assert len(made) == 15
    assert set(made.values()) == {1}


def test_broken_scenes_are_left_out_and_named(tmp_path: Path) -> None:
    local = LocalRun(tmp_path, seed=5)
    config = ToyCollectConfig(broken=(1, 3, 4, 5), max_skipped_fraction=0.5)
    (found,) = run(local, config, attempts=36)
    assert [each.item_id for each in found.skipped] == [f"train-5-000000{i}" for i in (1, 3, 4, 5)]
    assert "expected a mesh, found none" in found.skipped[0].reason
    assert [shard.item_id for shard in found.shards] == ["shard-00000", "shard-00002"]
    assert found.shards[0].scene_ids == ("train-5-0000000", "train-5-0000002")
    table = read_shard(local.fetch(found.shards[0].file))
    assert len(table) == found.shards[0].num_attempts == 8
    assert [shard.num_lost_objects for shard in found.shards] == [1, 0]


def test_too_many_broken_scenes_fail_the_stage(tmp_path: Path) -> None:
    local = LocalRun(tmp_path, seed=5)
    plan = local.put(toy_plans(36)[0])
    with pytest.raises(DataError, match=r"2 of 9 items can't be used.*train-5-0000004: .*mesh"):
        local.run(collect_toys, plan, config=ToyCollectConfig(broken=(4, 8)))


def test_a_broken_scene_is_tried_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    config = ToyCollectConfig(broken=(4,), max_skipped_fraction=0.2, marks=str(marks))
    run(LocalRun(tmp_path / "store", seed=5), config, attempts=36)
    made = Counter(marks.read_text().split())
    assert made["train-5-0000004"] == 1
    assert set(made.values()) == {1}


def test_pruning_takes_the_scenes_and_leaves_the_shards(tmp_path: Path) -> None:
    local = LocalRun(tmp_path, seed=5)
    (found,) = run(local, ToyCollectConfig(), attempts=36)
    removed = prune(Storage(str(tmp_path)), timedelta(0))
    assert len(removed) == 9, "the scenes' own files"
    assert sum(len(read_shard(local.fetch(shard.file))) for shard in found.shards) == 36


def test_settings_that_travel_with_each_scene_are_small() -> None:
    (plan,) = toy_plans(10_000)
    assert len(json.dumps(config_json(SceneInputs.of(plan, 0)))) < 4000
