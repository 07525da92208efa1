"""Attempts as episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError, DataError
from tasks.grasping.data.rows import SCHEMA, read_shard
from tasks.grasping.data.shards import write_rows
from tasks.grasping.exports.episodes import (
    CAMERAS,
    OBJECTS,
    episodes,
    num_attempts,
    png_size_px,
)
from tests.support.grasping.grasp_rows import scene_rows, write_shards


def test_each_attempt_is_an_episode_and_each_decision_a_frame(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, num_steps=3)
    rows = [row for path in shards for row in read_shard(path).to_pylist()]
    found = list(episodes(shards))
    assert num_attempts(shards) == len(found) == len(rows) == 24
    for episode, row in zip(found, rows, strict=True):
        assert episode.row["attempt_id"] == row["attempt_id"]
        assert episode.image_before == row["image_before"]
        assert [frame.image for frame in episode.frames] == [s["image"] for s in row["steps"]]
        assert [frame.is_last for frame in episode.frames] == [False, False, True]
        assert [frame.reward for frame in episode.frames] == [0, 0, float(row["is_success"])]
        last = episode.frames[-1]
        np.testing.assert_array_equal(last.action, [*row["steps"][-1]["target"], 1.0])
        np.testing.assert_array_equal(last.state, row["steps"][-1]["pose"])
        np.testing.assert_array_equal(last.motion, row["steps"][-1]["motion"])
        np.testing.assert_array_equal(last.command, row["steps"][-1]["command"])
        assert episode.row["true_from_base"] == row["camera_from_base"]
        assert {*CAMERAS, *OBJECTS, "split", "finger_gap_m"} < episode.row.keys()
        assert "camera_matrix" not in episode.row, "which camera that is must be said"
        assert episode.frames[0].action[-1] == 0.0


def test_size_of_a_picture_is_read_from_its_header(tmp_path: Path) -> None:
    (episode, *_) = episodes(write_shards(tmp_path, size_px=48))
    assert png_size_px(episode.image_before) == (48, 48)


def test_pictures_of_two_sizes_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.parquet", [scene_rows(0, size_px=32), scene_rows(1, size_px=40)])
    with pytest.raises(
        DataError, match=r"scene-000001-\w{8}/0: expected pictures of \(32, 32\) px"
    ):
        list(episodes([tmp_path / "a.parquet"]))


def test_attempt_without_steps_is_refused(tmp_path: Path) -> None:
    table = scene_rows(0)
    rows = [row | {"steps": []} for row in table.to_pylist()]
    write_rows(tmp_path / "a.parquet", [pa.Table.from_pylist(rows, schema=SCHEMA)])
    with pytest.raises(DataError, match=r"bullet/scene-000000-\w{8}/0: expected at least one step"):
        list(episodes([tmp_path / "a.parquet"]))


def test_foreign_and_cut_shards_are_refused(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, num_shards=1)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ArtifactError, match="cut short or not a Parquet file"):
        list(episodes([path]))
    pq.write_table(scene_rows(0).replace_schema_metadata(None), path)
    with pytest.raises(ArtifactError, match="got no schema id"):
        list(episodes([path]))
