from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import check_distinct, plan_shards, scene_id, write_rows
from tests.support.grasping.toy_rows import toy_rows


@given(st.integers(1, 5000), st.integers(1, 50), st.integers(1, 60))
def test_shards_hold_all_scenes_once_and_in_order(attempts: int, each: int, size: int) -> None:
    shards = plan_shards(attempts, each, size)
    scenes = [s.first_scene + i for s in shards for i in range(s.num_scenes)]
    assert scenes == list(range(len(scenes)))
    assert (len(scenes) - 1) * each < attempts <= len(scenes) * each
    assert len({shard.item_id for shard in shards}) == len(shards)
    assert all(1 <= shard.num_scenes <= size for shard in shards)


@given(st.integers(1, 500), st.integers(1, 500))
def test_a_larger_number_keeps_all_shards_but_the_last(few: int, more: int) -> None:
    before, after = plan_shards(few, 3, 7), plan_shards(few + more, 3, 7)
    assert after[: len(before) - 1] == before[:-1]


def test_an_attempt_that_stands_twice_is_named_with_its_shards(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet", "c.parquet")]
    for path, scene in zip(paths, ("s-0", "s-1", "s-0"), strict=True):
        write_rows(path, [toy_rows(scene)])
    check_distinct(paths[:2])
    check_distinct([])
    twice = (
        rf"bullet/s-0-\w{{8}}/0 stands twice, in {paths[0]} and in {paths[2]}: give each shard once"
    )
    with pytest.raises(DataError, match=twice):
        check_distinct(paths)
    write_rows(tmp_path / "d.parquet", [toy_rows("s-2"), toy_rows("s-2")])
    with pytest.raises(
        DataError, match=r"bullet/s-2-\w{8}/0 stands twice, in [^ ]*d\.parquet: give"
    ):
        check_distinct([tmp_path / "d.parquet"])


def test_scenes_of_two_seeds_or_splits_have_names_of_their_own() -> None:
    names = {scene_id(split, seed, 3) for split in ("train", "held_out") for seed in (0, 1)}
    assert len(names) == 4


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_rows(tmp_path / name, [toy_rows(f"train-7-{i:07d}") for i in range(3)])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_packing_what_was_written_before_changes_no_byte(tmp_path: Path) -> None:
    """Scenes that went through files of their own give the shard that they'd give directly."""
    scenes = [toy_rows(f"train-7-{i:07d}") for i in range(3)]
    write_rows(tmp_path / "direct", scenes)
    for index, scene in enumerate(scenes):
        write_rows(tmp_path / f"scene-{index}", [scene])
    write_rows(tmp_path / "packed", [read_shard(tmp_path / f"scene-{i}") for i in range(3)])
    assert (tmp_path / "packed").read_bytes() == (tmp_path / "direct").read_bytes()


def test_a_shared_picture_is_stored_once(tmp_path: Path) -> None:
    write_rows(tmp_path / "few", [toy_rows(num_attempts=2)])
    write_rows(tmp_path / "many", [toy_rows(num_attempts=40)])

    def stored(name: str) -> int:
        group = pq.ParquetFile(tmp_path / name).metadata.row_group(0)
        columns = [group.column(index) for index in range(group.num_columns)]
        return sum(c.total_compressed_size for c in columns if c.path_in_schema == "image_before")

    assert stored("many") < stored("few") + 100


def test_row_groups_end_at_scenes(tmp_path: Path) -> None:
    scenes = [toy_rows(f"train-7-{i:07d}", num_attempts=100) for i in range(5)]
    write_rows(tmp_path / "rows", scenes)
    file = pq.ParquetFile(tmp_path / "rows")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [300, 200]


def test_readers_can_skip_by_outcome_and_policy_but_no_picture_is_a_bound(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", [toy_rows(num_attempts=4)])
    group = pq.ParquetFile(tmp_path / "rows").metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["policy"].statistics.min == "near_object"
    assert columns["is_success"].statistics.max is True
    assert columns["image_before"].statistics is None
    assert columns["steps.list.element.image"].statistics is None
