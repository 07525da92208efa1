"""Statistics over shards that are larger than memory, with Dask.

Each shard is counted where it is read, without its pictures, and only the counts travel. The
collection is lazy: a stage's driver computes it with ``ctx.executor.compute``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import dask.dataframe as dd
import numpy as np
import pandas as pd

from tasks.grasping.data.schema import read_shard
from tasks.grasping.data.shards import check_distinct
from tasks.grasping.manifests import GroupSuccess
from tasks.report.estimates import wilson

ShardT = TypeVar("ShardT")

KINDS: Final = ("all", "world", "split", "object_family", "policy", "object")
"""What attempts are grouped by. An object's attempts are those made while it lay in the bin,
its successes those that lifted it."""

_COLUMNS: Final = (
    "world",
    "split",
    "object_family",
    "policy",
    "object_ids",
    "is_success",
    "lifted_object",
    "lift_height_m",
    "is_stopped_early",
)
_COUNTS: Final = ("attempts", "successes", "stopped_early", "lift_height_m")


def success_counts(shards: Sequence[ShardT], fetch: Callable[[ShardT], str | Path] = str) -> Any:
    """Count attempts and successes of all groups, lazily.

    Args:
        shards: Parquet files, or references to them.
        fetch: Gives, on the executor's worker, the local path of a shard.

    Returns:
        A Dask data frame, one partition per shard until it is summed up; computed, it is what
        `success_table` takes.

    Raises:
        DataError: An attempt stands twice in local files. Who fetches shards has checked that.
    """
    if fetch is str:
        check_distinct([Path(str(shard)) for shard in shards])
    counted = dd.from_map(count_shard, list(shards), fetch=fetch, meta=_empty())
    return counted.groupby(["kind", "group"])[list(_COUNTS)].sum()


def success_table(counts: pd.DataFrame) -> list[GroupSuccess]:
    """Turn computed counts into a table: all attempts first, then kind by kind, by name."""
    rows = [_group(values) for values in counts.reset_index().to_dict("records")]
    return sorted(rows, key=lambda row: (KINDS.index(row.kind), row.group))


def count_shard(shard: ShardT, fetch: Callable[[ShardT], str | Path] = str) -> pd.DataFrame:
    """Count one shard: a row for each group that occurs.

    Raises:
        ArtifactError: It is cut short, no Parquet file, or of another schema version.
    """
    rows = read_shard(Path(fetch(shard)), list(_COLUMNS)).to_pandas()
    values = pd.DataFrame(
        {
            "attempts": np.ones(len(rows), np.int64),
            "successes": rows["is_success"].astype("int64"),
            "stopped_early": rows["is_stopped_early"].astype("int64"),
            "lift_height_m": rows["lift_height_m"],
        }
    )
    parts = [_counted("all", pd.Series([""] * len(rows)), values)]
    parts += [_counted(kind, rows[kind], values) for kind in KINDS[1:-1]]
    parts.append(_by_object(rows, values))
    return pd.concat(parts, ignore_index=True).astype(_empty().dtypes)


def _by_object(rows: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    present = rows[["object_ids", "lifted_object"]].explode("object_ids")
    is_lifted = (present["object_ids"] == present["lifted_object"]).to_numpy(bool)
    shown = values.loc[present.index].reset_index(drop=True)
    shown["successes"] = is_lifted.astype("int64")
    shown["lift_height_m"] = shown["lift_height_m"].where(is_lifted, 0.0)
    return _counted("object", present["object_ids"].reset_index(drop=True), shown)


def _counted(kind: str, groups: pd.Series[Any], values: pd.DataFrame) -> pd.DataFrame:
    sums = values.groupby(groups.to_numpy(object)).sum()
    sums.insert(0, "group", [str(group) for group in sums.index])
    sums.insert(0, "kind", kind)
    return sums.reset_index(drop=True)


def _empty() -> pd.DataFrame:
    kinds = {"kind": "str", "group": "str"} | dict.fromkeys(_COUNTS, "int64")
    kinds["lift_height_m"] = "float64"
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})


def _group(values: Mapping[Any, Any]) -> GroupSuccess:
    attempts, successes = int(values["attempts"]), int(values["successes"])
    low, high = wilson(successes, attempts)
    over = successes if values["kind"] == "object" else attempts
    return GroupSuccess(
        kind=values["kind"],
        group=values["group"],
        num_attempts=attempts,
        num_successes=successes,
        rate=successes / attempts,
        rate_low=low,
        rate_high=high,
        num_stopped_early=int(values["stopped_early"]),
        mean_lift_m=float(values["lift_height_m"]) / over if over else 0.0,
    )
