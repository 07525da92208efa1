"""Shards: which scenes go into which file, and packing them into it.

A shard is a run of consecutive scenes. Its bytes depend on its rows alone: row groups are cut
at scenes, in the scenes' order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.core.errors import DataError
from tasks.grasping.data.schema import SCENE_COLUMNS, SCHEMA, open_shard
from tasks.grasping.manifests import ShardPlan
from tasks.grasping.types import Split

_ROWS_PER_GROUP = 256
_PICTURE_BYTES = 64 * 2**20  # of distinct pictures that a row group may refer to, not repeat
_REPEATED = (
    *SCENE_COLUMNS,
    *("scene_id", "world", "recipe_digest", "split", "object_family"),
    *("policy", "lifted_object", "dynamics", "look", "versions"),
)
# What a reader may want to skip by. Least and greatest picture would fill a third of the file.
_FILTERED = ("scene_id", "attempt_index", "world", "split", "policy", "is_uniform", "is_success")
# PNG is compressed as it is: zstd at its fastest finds what repeats and wastes no time.
_SETTINGS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": list(_REPEATED),
    "write_statistics": list(_FILTERED),
    "dictionary_pagesize_limit": _PICTURE_BYTES,
}


def plan_shards(
    num_attempts: int, attempts_per_scene: int, scenes_per_shard: int
) -> tuple[ShardPlan, ...]:
    """Divide a number of attempts into scenes, and these into shards.

    A larger number keeps all shards but the last.
    """
    num_scenes = -(-num_attempts // attempts_per_scene)
    return tuple(
        ShardPlan(
            item_id=f"shard-{first // scenes_per_shard:05d}",
            first_scene=first,
            num_scenes=min(scenes_per_shard, num_scenes - first),
        )
        for first in range(0, num_scenes, scenes_per_shard)
    )


def num_attempts_of(index: int, num_attempts: int, attempts_per_scene: int) -> int:
    """Attempts of one scene: the last one has as many as are left."""
    return min(attempts_per_scene, num_attempts - index * attempts_per_scene)


def scene_id(split: Split, root_seed: int, index: int) -> str:
    """Name a scene; all that is drawn in it is drawn from this name.

    Data sets of one seed and other settings show the same scenes, as far as the settings let
    them: rows tell them apart by `tasks.grasping.data.rows.scene_name`.
    """
    return f"{split}-{root_seed}-{index:07d}"


def write_rows(path: Path, scenes: Iterable[pa.Table]) -> None:
    """Write scenes into one Parquet file.

    Args:
        path: The file.
        scenes: One table of `SCHEMA` per scene, in order.
    """
    with pq.ParquetWriter(path, SCHEMA, **_SETTINGS) as writer:
        waiting: list[pa.Table] = []
        for scene in scenes:
            waiting.append(scene)
            if sum(len(table) for table in waiting) >= _ROWS_PER_GROUP:
                _write_group(writer, waiting)
                waiting = []
        if waiting:
            _write_group(writer, waiting)


def check_distinct(shards: Sequence[Path]) -> None:
    """Make sure that no attempt stands twice, as all do of a shard that is given twice.

    Raises:
        ArtifactError: A shard can't be read; see `tasks.grasping.data.schema.open_shard`.
        DataError: One does; it and its shards are named.
    """
    ids = [_attempt_ids(path) for path in shards]
    every = pa.chunked_array([chunk for each in ids for chunk in each.chunks], pa.string())
    if pc.count_distinct(every).as_py() == len(every):
        return
    twice = next(each for each in pc.value_counts(every) if each["counts"].as_py() > 1)["values"]
    places = [str(path) for path, each in zip(shards, ids, strict=True) if _holds(each, twice)]
    raise DataError(
        f"the attempt {twice} stands twice, in {' and in '.join(places)}: give each shard once"
    )


def _attempt_ids(path: Path) -> pa.ChunkedArray:
    with open_shard(path, ["attempt_id"]) as file:
        return file.read(["attempt_id"], use_threads=False)["attempt_id"]


def _holds(ids: pa.ChunkedArray, wanted: pa.Scalar) -> bool:
    return bool(pc.index(ids, wanted).as_py() >= 0)


def _write_group(writer: pq.ParquetWriter, scenes: list[pa.Table]) -> None:
    group = pa.concat_tables(scenes)
    writer.write_table(group, row_group_size=len(group))
