"""Parquet files as a Ray Data set, on a real Ray."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic.dataclasses import dataclass

from operators.local import LocalRun
from operators.ray_data import read_published, read_shards
from operators.storage import Storage
from tasks.core.config import SETTINGS, setting
from tasks.core.errors import ArtifactError, DataError
from tasks.core.ports import StageContext
from tasks.core.records import Record
from tasks.core.refs import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, stage

pytestmark = pytest.mark.integration


class Table(Record):
    """Files of a made-up system."""

    schema_id = "sample.table/1"

    parts: tuple[FileRef, ...]
    note: FileRef


@dataclass(frozen=True, config=SETTINGS)
class TableConfig:
    num_parts: int = setting(3, ge=0, help="Files.")


@stage(StageSpec(name="sample.table", section="table"))
def publish_table(config: TableConfig, ctx: StageContext) -> ArtifactRef:
    """Write numbers into Parquet files."""
    parts = []
    for part in range(config.num_parts):
        path = ctx.scratch / f"{part}.parquet"
        write_part(path, part)
        parts.append(ctx.store.add(path, f"part={part}/rows.parquet"))
    (ctx.scratch / "note.txt").write_text("no table")
    note = ctx.store.add(ctx.scratch / "note.txt", "note.txt")
    return ctx.store.write(Table(parts=tuple(parts), note=note))


def write_part(path: Path, part: int) -> Path:
    """Four rows: a number, and a list of as many bytes strings as its remainder by 3."""
    numbers = list(range(4 * part, 4 * part + 4))
    lists = [[{"picture": bytes([n] * 3), "dull": 0.0}] * (n % 3) for n in numbers]
    pq.write_table(pa.table({"number": numbers, "steps": lists, "unread": numbers}), path)
    return path


def decode(rows: pa.Table) -> dict[str, np.ndarray]:
    """One entry for each step, not for each row."""
    assert set(rows.column_names) == {"number", "steps"}
    pairs = [(row["number"], s["picture"]) for row in rows.to_pylist() for s in row["steps"]]
    return {
        "number": np.array([number for number, _ in pairs]),
        "picture": np.array([list(picture) for _, picture in pairs], np.uint8).reshape(-1, 3),
    }


COLUMNS = ["number", "steps"]
EXPECTED = [n for n in range(12) for _ in range(n % 3)]


@pytest.fixture(autouse=True)
def quiet(ray_cluster: str) -> None:
    """The session's Ray; Ray Data without its bars, and with what its settings warn of."""
    import ray.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False


def test_rows_are_read_as_they_are(tmp_path: Path) -> None:
    paths = [write_part(tmp_path / f"{part}.parquet", part) for part in range(3)]
    dataset = read_shards(paths, columns=["number"])
    assert dataset.count() == 12
    assert sorted(row["number"] for row in dataset.take_all()) == list(range(12))
    assert dataset.columns() == ["number"]


def test_decoded_batches_reach_torch(tmp_path: Path) -> None:
    paths = [write_part(tmp_path / f"{part}.parquet", part) for part in range(3)]
    dataset = read_shards(paths, columns=COLUMNS, decode=decode, batch_rows=3)
    batches = list(dataset.iter_torch_batches(batch_size=5))
    numbers = [n for batch in batches for n in batch["number"].tolist()]
    assert sorted(numbers) == EXPECTED
    for batch in batches:
        assert batch["picture"].shape[1:] == (3,)
        assert (batch["picture"] == batch["number"][:, None]).all()


def test_published_result_is_found_by_its_reference(tmp_path: Path) -> None:
    local = LocalRun(tmp_path)
    ref = local.run(publish_table, config=TableConfig())
    dataset = read_published(Storage(str(tmp_path)), ref, columns=COLUMNS, decode=decode)
    assert sorted(row["number"] for row in dataset.take_all()) == EXPECTED
    empty = local.run(publish_table, config=TableConfig(num_parts=0))
    with pytest.raises(DataError, match="names no Parquet files"):
        read_published(Storage(str(tmp_path)), empty)
    with pytest.raises(ArtifactError, match="is missing"):
        read_published(Storage(str(tmp_path / "elsewhere")), ref)


def test_nothing_to_read_is_said() -> None:
    with pytest.raises(DataError, match="got none"):
        read_shards([])
