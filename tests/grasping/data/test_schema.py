"""A file of rows explains itself, and what is none is refused with its name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import ArtifactError
from tasks.grasping.data.schema import SCHEMA, SCHEMA_ID, read_shard
from tasks.grasping.data.shards import write_rows
from tests.support.grasping.toy_rows import toy_rows


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
    old = toy_rows().replace_schema_metadata({"orrery.schema_id": "grasping.attempts/0"})
    pq.write_table(old, path)
    with pytest.raises(ArtifactError) as caught:
        read_shard(path)
    for part in (str(path), "expected rows of grasping.attempts/1", "got grasping.attempts/0"):
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
