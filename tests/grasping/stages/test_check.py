from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.compute.serial import SerialExecutor
from operators.stage.local import LocalRun
from tasks.core.digests import file_digest
from tasks.core.errors import DataError
from tasks.core.records import ArtifactRef, FileRef
from tasks.grasping.config import CheckConfig
from tasks.grasping.data.png import encode_rgb
from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import write_rows
from tasks.grasping.manifests import GraspDataset, ShardSet
from tasks.grasping.stages.check import check_dataset
from tests.support.grasping.toy_stages import ToyCollectConfig, collect_toys, toy_plans


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalRun, list[ShardSet]]:
    local = LocalRun(tmp_path_factory.mktemp("toys"), seed=5)
    config = ToyCollectConfig(broken=(7,), max_skipped_fraction=0.5)
    refs = [
        local.run(collect_toys, local.put(plan), config=config)
        for plan in toy_plans(60, num_groups=2)
    ]
    return local, [local.read(ref, ShardSet) for ref in refs]


@pytest.fixture
def local(collected: tuple[LocalRun, list[ShardSet]]) -> LocalRun:
    return collected[0]


@pytest.fixture
def sets(collected: tuple[LocalRun, list[ShardSet]]) -> list[ShardSet]:
    return collected[1]


def check(local: LocalRun, sets: list[ShardSet], config: CheckConfig | None = None) -> ArtifactRef:
    groups = [local.put(each) for each in sets]
    return local.run(check_dataset, groups, config=config or CheckConfig())


def altered(tmp_path: Path, local: LocalRun, found: ShardSet, change) -> ShardSet:
    """Write the first shard of a group anew, changed."""
    shard = found.shards[0]
    path = tmp_path / "altered.parquet"
    change(read_shard(local.fetch(shard.file)), path)
    ref = FileRef(uri=f"file://{path}", sha256=file_digest(path), num_bytes=path.stat().st_size)
    shards = (shard.model_copy(update={"file": ref}), *found.shards[1:])
    return found.model_copy(update={"shards": shards})


def with_column(table: pa.Table, name: str, values: list) -> pa.Table:
    index = table.schema.get_field_index(name)
    column = table.schema.field(index)
    return table.set_column(index, column, [pa.array(values, column.type)])


def test_sound_data_become_a_data_set(local: LocalRun, sets: list[ShardSet]) -> None:
    dataset = local.read(check(local, sets), GraspDataset)
    assert [shard.item_id for shard in dataset.shards] == [f"shard-0000{i}" for i in range(5)]
    assert [shard.item_id for shard in dataset.plan.shards] == [f"shard-0000{i}" for i in range(5)]
    assert [each.item_id for each in dataset.skipped] == ["train-5-0000007"]
    figures = dataset.report.figures
    assert figures["attempts"] == 56
    assert figures["findings"] == 0
    assert figures["scenes"] == 14
    assert figures["pictures"] == 14 * 5
    assert figures["mask_offset_px"] < 1.0
    assert figures["success_rate"] == sum(s.num_successes for s in dataset.shards) / 56
    assert sum(t.attempts for t in dataset.report.by_policy.values()) == 56
    assert sum(t.successes for t in dataset.report.by_object.values()) == figures["successes"]
    assert sum(t.attempts for t in dataset.report.by_object.values()) == 3 * 56
    assert sum(dataset.report.histograms["lift_height_m"]) == 56
    assert dataset.row_schema == "grasping.attempts/2"


def test_what_was_left_out_is_counted_and_said(
    local: LocalRun, sets: list[ShardSet], caplog: pytest.LogCaptureFixture
) -> None:
    checked = check(local, sets, CheckConfig(min_success=0.052))  # a result that isn't kept yet
    figures = local.read(checked, GraspDataset).report.figures
    assert (figures["scenes_skipped"], figures["objects_lost"]) == (1, 1)
    assert "scene train-5-0000007 is left out: " in caplog.text
    assert "objects left out of scenes, as they didn't stay in the bin: 1" in caplog.text


def test_successes_are_those_of_the_rows(local: LocalRun, sets: list[ShardSet]) -> None:
    dataset = local.read(check(local, sets), GraspDataset)
    rows = [
        row
        for shard in dataset.shards
        for row in read_shard(local.fetch(shard.file)).drop(["steps"]).to_pylist()
    ]
    uniform = [row["is_success"] for row in rows if row["is_uniform"]]
    figures = dataset.report.figures
    assert figures["successes"] == sum(row["is_success"] for row in rows)
    assert figures["stopped_early"] == sum(row["is_stopped_early"] for row in rows)
    assert figures["uniform_attempts"] == len(uniform)
    assert figures["uniform_share"] == len(uniform) / len(rows)
    assert figures["uniform_success_rate"] == sum(uniform) / len(uniform)


def test_successes_are_counted_once_by_the_executor(
    local: LocalRun, sets: list[ShardSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    serial = SerialExecutor.compute

    def compute(self: SerialExecutor, collection: Any) -> Any:
        computed.append(collection.npartitions)
        return serial(self, collection)

    monkeypatch.setattr(SerialExecutor, "compute", compute)
    check(local, sets, CheckConfig(min_success=0.051))
    assert len(computed) == 1


def test_the_data_set_is_the_same_whatever_the_groups(tmp_path: Path) -> None:
    config = ToyCollectConfig(broken=(1, 4, 7), max_skipped_fraction=0.6)
    found = []
    for groups in (1, 3):
        run = LocalRun(tmp_path / str(groups), seed=5)
        plans = [run.put(plan) for plan in toy_plans(48, num_groups=groups)]
        refs = [run.run(collect_toys, plan, config=config) for plan in plans]
        found.append(run.run(check_dataset, refs, config=CheckConfig()).sha256)
    assert found[0] == found[1]


def write_old(table: pa.Table, path: Path) -> None:
    pq.write_table(table.replace_schema_metadata({"orrery.schema_id": "grasping.attempts/0"}), path)


def write_cut(table: pa.Table, path: Path) -> None:
    write_rows(path, [table])
    path.write_bytes(path.read_bytes()[:-500])


def write_doubled(table: pa.Table, path: Path) -> None:
    write_rows(path, [pa.concat_tables([table, table.slice(3, 1)])])


def write_short(table: pa.Table, path: Path) -> None:
    write_rows(path, [table.slice(1)])


def write_foreign(table: pa.Table, path: Path) -> None:
    write_rows(path, [with_column(table, "root_seed", [9] * len(table))])


def write_moved(table: pa.Table, path: Path) -> None:
    moved = [
        [[x, y + 0.15, z] for x, y, z in each] for each in table["object_centres_m"].to_pylist()
    ]
    write_rows(path, [with_column(table, "object_centres_m", moved)])


def write_black(table: pa.Table, path: Path) -> None:
    black = encode_rgb(np.zeros((48, 48, 3), np.uint8))
    write_rows(path, [with_column(table, "image_before", [black] * len(table))])


def write_pried(table: pa.Table, path: Path) -> None:
    write_rows(path, [with_column(table, "finger_gap_m", [0.134] * len(table))])


def write_fallen(table: pa.Table, path: Path) -> None:
    fallen = [[[x, y, z - 1] for x, y, z in each] for each in table["object_centres_m"].to_pylist()]
    write_rows(path, [with_column(table, "object_centres_m", fallen)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (write_old, r"schema, shard-00000: .*expected rows of grasping.attempts/2, got grasping"),
        (write_cut, r"schema, shard-00000: .*is cut short or not a Parquet file"),
        (write_doubled, r"duplicates, bullet/train-5-0000000-\w{8}/3: stands 2 times"),
        (write_short, r"missing, bullet/train-5-0000000-\w{8}/0: expected one row, found none"),
        (write_foreign, r"origin, .*root_seed: expected 5, got 9"),
        (write_pried, r"gap, bullet/train-5-0000000-\w{8}/0: the fingers are 0.1340 m apart"),
        (write_fallen, r"places, train-5-0000000-\w{8}: object .* lies outside of the bin"),
        (write_moved, r"masks: \d+ of \d+ visible objects lie off their poses"),
        (write_black, r"pictures: 3 of 70 are darker than 8.0"),
    ],
)
def test_what_is_wrong_with_a_shard_is_said(
    tmp_path: Path, local: LocalRun, sets: list[ShardSet], change, said: str
) -> None:
    wrong = altered(tmp_path, local, sets[0], change)
    with pytest.raises(DataError, match="must not be published: .*" + said):
        check(local, [wrong, sets[1]])


def test_everything_wrong_is_said_at_once(
    tmp_path: Path, local: LocalRun, sets: list[ShardSet]
) -> None:
    wrong = altered(tmp_path, local, sets[0], write_doubled)
    with pytest.raises(DataError) as caught:
        check(local, [wrong, sets[1]], CheckConfig(min_success=0.94, min_brightness=200.0))
    for said in ("success rate: expected 94% to 95%", "darker than 200.0", "duplicates, bullet"):
        assert said in str(caught.value)


def test_a_missing_shard_is_found(local: LocalRun, sets: list[ShardSet]) -> None:
    lacking = sets[1].model_copy(update={"shards": sets[1].shards[:1]})
    with pytest.raises(DataError, match=r"missing, shard-00003: 3 of 3 scenes are missing"):
        check(local, [sets[0], lacking])


def test_a_shard_that_stands_twice_is_found(local: LocalRun, sets: list[ShardSet]) -> None:
    with pytest.raises(DataError, match="duplicates, shard-00000: stands 2 times"):
        check(local, [*sets, sets[0].model_copy(update={"shards": sets[0].shards[:1]})])


def test_a_shard_that_stands_under_another_name_too_is_found(
    local: LocalRun, sets: list[ShardSet]
) -> None:
    first, second, *others = sets[0].shards
    twice = second.model_copy(update={"file": first.file})
    wrong = sets[0].model_copy(update={"shards": (first, twice, *others)})
    with pytest.raises(
        DataError, match=rf"missing, bullet/{second.scene_ids[0]}-\w{{8}}/0: expected one row"
    ):
        check(local, [wrong, sets[1]])


def test_groups_of_two_plans_are_not_mixed(local: LocalRun, sets: list[ShardSet]) -> None:
    other = sets[1].model_copy(update={"recipe_digest": "0" * 64})
    with pytest.raises(DataError, match="plan, shard-00001: its plan differs from the first"):
        check(local, [sets[0], other])


def test_a_lost_shard_file_is_found(tmp_path: Path, local: LocalRun, sets: list[ShardSet]) -> None:
    wrong = altered(tmp_path, local, sets[0], lambda table, path: write_rows(path, [table, table]))
    Path(wrong.shards[0].file.uri.removeprefix("file://")).unlink()
    with pytest.raises(DataError, match=r"schema, shard-00000: .*altered.parquet"):
        check(local, [wrong, sets[1]])
