"""Statistics over shards with Dask, against counting by hand; on Ray's workers too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from operators.compute.serial import SerialExecutor
from tasks.core.errors import ArtifactError, DataError
from tasks.grasping.data.rows import read_shard
from tasks.grasping.readers import statistics
from tasks.grasping.readers.statistics import count_shard, success_counts, success_table
from tests.support.grasping.grasp_rows import write_shards


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    return write_shards(tmp_path / "a", num_shards=3) + write_shards(
        tmp_path / "b", num_shards=1, split="held_out"
    )


def by_hand(shards: list[Path]) -> dict[tuple[str, str], list[int]]:
    """Attempts and successes of every group."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in [row for path in shards for row in read_shard(path).to_pylist()]:
        groups = [(kind, row[kind]) for kind in ("world", "split", "object_family", "policy")]
        outcomes = [(group, row["is_success"]) for group in [("all", ""), *groups]]
        outcomes += [(("object", o), o == row["lifted_object"]) for o in row["object_ids"]]
        for group, is_success in outcomes:
            count = counts.setdefault(group, [0, 0])
            count[0] += 1
            count[1] += is_success
    return counts


def test_counts_are_those_by_hand(shards: list[Path]) -> None:
    table = success_table(SerialExecutor().compute(success_counts(shards)))
    assert {(r.kind, r.group): [r.num_attempts, r.num_successes] for r in table} == by_hand(shards)
    assert (table[0].kind, table[0].num_attempts) == ("all", 48)
    assert [row.kind for row in table] == sorted(
        (row.kind for row in table), key=statistics.KINDS.index
    )
    for row in table:
        assert row.rate == row.num_successes / row.num_attempts
        assert 0 <= row.rate_low <= row.rate <= row.rate_high <= 1
    lifted = [row for row in table if row.kind == "object" and row.num_successes]
    assert all(row.mean_lift_m == pytest.approx(0.19) for row in lifted)


def test_pictures_are_not_read(shards: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def watched(path: Path, columns: list[str]) -> Any:
        asked.extend(columns)
        return read_shard(path, columns)

    monkeypatch.setattr(statistics, "read_shard", watched)
    count_shard(str(shards[0]))
    assert not [name for name in asked if "image" in name or "mask" in name or name == "steps"]


def test_one_shard_is_one_partition(shards: list[Path]) -> None:
    counts = success_counts(shards)
    assert counts.dask is not None
    frame = count_shard(str(shards[0]))
    assert list(frame.columns) == ["kind", "group", *statistics._COUNTS]
    pd.testing.assert_series_equal(frame.dtypes, statistics._empty().dtypes)


def test_a_shard_that_is_given_twice_is_refused(shards: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(shards[1].read_bytes())
    with pytest.raises(DataError, match=r"stands twice, in .*and in .*copy\.parquet"):
        success_counts([*shards, copy])


def test_wrong_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match=r"a\.parquet is cut short"):
        count_shard(str(tmp_path / "a.parquet"))


def noted(path: Path) -> Path:
    """Give a shard's path and note which process asked for it."""
    path.with_suffix(".pid").write_text(str(os.getpid()))
    return path


@pytest.mark.integration
def test_shards_are_counted_on_rays_workers(shards: list[Path], ray_cluster: str) -> None:
    from operators.compute.ray_executor import RayExecutor

    counts = success_counts(shards, noted)
    executor = RayExecutor.connect(ray_cluster).granted(1.0)
    table = success_table(executor.compute(counts))
    assert {(r.kind, r.group): [r.num_attempts, r.num_successes] for r in table} == by_hand(shards)
    pids = {int(path.with_suffix(".pid").read_text()) for path in shards}
    assert os.getpid() not in pids
