"""A file of rows explains itself, and what is none is refused with its name."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError
from tasks.grasping.data.schema import SCHEMA, SCHEMA_ID, read_shard
from tasks.grasping.data.shards import write_rows
from tests.support.grasping.toy_rows import toy_rows
from tests.support.hostile.refusals import refused


def test_a_file_explains_itself(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", [toy_rows()])
    schema = pq.read_schema(tmp_path / "rows.parquet")
    assert schema.metadata[b"orrery.schema_id"] == SCHEMA_ID.encode()
    assert b"RGB" in schema.metadata[b"orrery.pictures"]
    assert b"x forward" in schema.metadata[b"orrery.frame"]
    assert schema.field("lift_height_m").metadata == {
        b"meaning": b"rise of the highest object",
        b"unit": b"m",
    }
    assert schema.equals(SCHEMA)
    assert all(field.metadata[b"meaning"] for field in schema)


def test_a_shard_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    for version, why in (("0", ""), ("1", " (where only the motion is kept")):
        found = f"grasping.attempts/{version}"
        pq.write_table(toy_rows().replace_schema_metadata({"orrery.schema_id": found}), path)
        with pytest.raises(ArtifactError) as caught:
            read_shard(path)
        for part in (str(path), "expected rows of grasping.attempts/2", f"got {found}{why}"):
            assert part in str(caught.value)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(ArtifactError, match="got no schema id"):
        read_shard(tmp_path / "other.parquet")


@pytest.mark.parametrize("kept", [0, 3, 1000, -9])
def test_a_cut_shard_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(path, [toy_rows()])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"rows.parquet is cut short or not a Parquet file"):
        read_shard(path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone.parquet"):
        read_shard(tmp_path / "gone.parquet")


def test_single_columns_can_be_read(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", [toy_rows()])
    table = read_shard(tmp_path / "rows.parquet", ["is_success", "policy"])
    assert table.column_names == ["is_success", "policy"]
    assert table["is_success"].to_pylist() == [True, False, True, False]


def _without(table: pa.Table, name: str) -> pa.Table:
    return table.drop([name])


def _as_text(table: pa.Table, name: str) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, name, pa.array(["x"] * len(table)))


@pytest.mark.hostile
@pytest.mark.parametrize("change", [_without, _as_text])
@pytest.mark.parametrize("name", ["steps", "is_success", "lift_height_m", "image_before"])
def test_a_shard_with_other_columns_is_refused(tmp_path: Path, change: Any, name: str) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(change(toy_rows(), name), path)
    with refused(str(path), name):
        read_shard(path)


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(12))
def test_a_shard_with_noise_in_it_is_refused_or_read(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "rows.parquet", np.random.default_rng(seed)
    write_rows(path, [toy_rows()])
    data = bytearray(path.read_bytes())
    begin = len(data) - 4000 if seed % 2 else 0  # the footer, or anywhere
    for place in rng.integers(begin, len(data) - 8, 40):
        data[place] = rng.integers(256)
    path.write_bytes(data)
    with contextlib.suppress(ArtifactError):  # any other error is a fault
        assert len(read_shard(path)) == len(toy_rows())


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "long"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / (kind if kind != "long" else "n" * 300)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with refused("not a Parquet file"):
        read_shard(path)


@pytest.mark.hostile
def test_more_rows_than_a_shard_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "rows.parquet", [toy_rows()])
    monkeypatch.setattr("tasks.grasping.data.schema.MAX_ROWS", 3)
    with refused("rows.parquet", "at most 3 rows"):
        read_shard(tmp_path / "rows.parquet")
