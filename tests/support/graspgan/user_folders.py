"""Data sets of toy attempts in a user's folder, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.grasping.data.png import encode_ids, encode_rgb
from tasks.grasping.data.schema import SCHEMA
from tasks.grasping.data.shards import write_rows
from tests.support.grasping.toy_rows import ORIGIN, toy_rows

Row = dict[str, Any]

_SMALL_PICTURE = encode_rgb(np.zeros((24, 24, 3), np.uint8))
_SMALL_MASK = encode_ids(np.zeros((24, 24), np.uint8))


def write_set(
    folder: Path, world: str = "surrogate", split: str = "train", num_scenes: int = 2
) -> Path:
    """Write a shard of toy scenes with two attempts each, 48 px and without G-buffers."""
    origin = replace(ORIGIN, world=world, split=split)  # type: ignore[arg-type]
    names = [f"{split}-7-{index:07d}" for index in range(num_scenes)]
    path = folder / split / "shards" / "shard-00000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, [toy_rows(name, num_attempts=2, origin=origin) for name in names])
    return path


def change(path: Path, changed: Callable[[Row], Mapping[str, Any]], *, only: int = -1) -> None:
    """Put other values into the rows of a shard, or into one of them."""
    rows = pq.read_table(path, partitioning=None).to_pylist()
    for index, row in enumerate(rows):
        row.update(changed(row) if only in (-1, index) else {})
    write_rows(path, [pa.Table.from_pylist(rows, SCHEMA)])


def small_picture(_: Row) -> Row:
    return {"image_before": _SMALL_PICTURE}


def small_mask(_: Row) -> Row:
    return {"class_mask_before": _SMALL_MASK}


def all_small(row: Row) -> Row:
    """The attempt is another one, and all that is seen of it is small."""
    masks = {"class_mask": _SMALL_MASK, "instance_mask": _SMALL_MASK}
    return {
        "attempt_id": f"small/{row['attempt_id']}",
        "scene_id": f"small/{row['scene_id']}",
        "image_before": _SMALL_PICTURE,
        **{f"{name}_before": mask for name, mask in masks.items()},
        "steps": [step | masks | {"image": _SMALL_PICTURE} for step in row["steps"]],
    }


def strange_mask(_: Row) -> Row:
    return {"class_mask_before": encode_ids(np.full((48, 48), 9, np.uint8))}


def no_mask(_: Row) -> Row:
    return {"class_mask_before": None}


def no_picture(_: Row) -> Row:
    return {"image_before": b"no picture"}
