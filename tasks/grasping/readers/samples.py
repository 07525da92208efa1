"""Rows as samples of the grasp predictor: every decision of an attempt is one.

A sample is what the predictor sees when it decides (the picture without the arm, the picture
now, and the motion from here to where the fingers closed) and whether the attempt succeeded, as
in S. Levine et al., "Learning Hand-Eye Coordination for Robotic Grasping with Deep Learning and
Large-Scale Data Collection", IJRR 2018, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.errors import DataError
from tasks.grasping.data.png import decode_ids, decode_rgb

_MASKS: Final = ("class_mask", "instance_mask")


def find_shards(folder: Path) -> list[Path]:
    """Shards of a data set's folder, in order.

    Raises:
        DataError: There are none.
    """
    shards = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    if not shards:
        raise DataError(f"expected a folder of *.parquet shards, found none in {folder}")
    return shards


def sample_columns(*, with_masks: bool = False, whole_steps: bool = False) -> list[str]:
    """Columns that `decode_samples` needs.

    Args:
        with_masks: Whether masks are wanted.
        whole_steps: Name the steps as one column. ``pyarrow.parquet.ParquetFile`` reads parts
            of them by themselves; ``pyarrow.dataset``, and with it Ray Data, can't.
    """
    masks = _MASKS if with_masks else ()
    parts = [f"steps.list.element.{name}" for name in ("image", "motion", *masks)]
    return [
        "image_before",
        *(f"{name}_before" for name in masks),
        "is_success",
        *(["steps"] if whole_steps else parts),
    ]


def decode_samples(rows: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Decode all samples of some rows.

    Args:
        rows: The columns that `sample_columns` names; masks are decoded if they are there.

    Returns:
        Arrays of n samples by name: ``before`` and ``now`` (n, h, w, 3) uint8, RGB; ``motion``
        (n, 5) float32; ``success`` (n,) float32; and of masks ``before_class_mask``,
        ``before_instance_mask``, ``now_class_mask``, ``now_instance_mask`` (n, h, w) uint8.
    """
    samples = [
        decode_sample(row, step) for row in rows.to_pylist() for step in range(len(row["steps"]))
    ]
    return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}


def decode_sample(row: Mapping[str, Any], step: int) -> dict[str, npt.NDArray[Any]]:
    """Decode one decision of a row; see `decode_samples`."""
    decision = row["steps"][step]
    sample: dict[str, npt.NDArray[Any]] = {
        "before": decode_rgb(row["image_before"]),
        "now": decode_rgb(decision["image"]),
        "motion": np.array(decision["motion"], np.float32),
        "success": np.array(row["is_success"], np.float32),
    }
    for name in _MASKS:
        if name in decision and f"{name}_before" in row:
            sample[f"before_{name}"] = decode_ids(row[f"{name}_before"])
            sample[f"now_{name}"] = decode_ids(decision[name])
    return sample


def shards_of(source: Path | Sequence[Path]) -> list[Path]:
    """Shards of a folder, or the given ones."""
    return find_shards(source) if isinstance(source, Path) else list(source)
