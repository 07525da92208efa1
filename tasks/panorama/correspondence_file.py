"""Correspondences as Parquet files: one row a match, readable by any table tool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import ArtifactError
from tasks.panorama.types import Correspondences

_PLANES: dict[str, tuple[str, ...]] = {
    "points_a_px": ("x_a_px", "y_a_px"),
    "points_b_px": ("x_b_px", "y_b_px"),
    "colours_a": ("blue_a", "green_a", "red_a"),
    "colours_b": ("blue_b", "green_b", "red_b"),
}


def write_correspondences(path: Path, matches: Correspondences) -> None:
    """Write matches; positions and weights come back exactly, colours to float32."""
    columns: dict[str, pa.Array] = {
        "image_a": pa.array(matches.image_a.astype(np.int32)),
        "image_b": pa.array(matches.image_b.astype(np.int32)),
    }
    for name, planes in _PLANES.items():
        dtype = np.float64 if name.startswith("points") else np.float32
        for index, plane in enumerate(planes):
            columns[plane] = pa.array(getattr(matches, name)[:, index].astype(dtype))
    columns["weight"] = pa.array(matches.weights.astype(np.float64))
    columns["held_out"] = pa.array(matches.held_out.astype(np.bool_))
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_correspondences(path: Path) -> Correspondences:
    """Read matches that `write_correspondences` wrote.

    Raises:
        ArtifactError: The file is not such a table.
    """
    try:
        table = pq.read_table(path)
        planes = {
            name: np.column_stack([table[plane].to_numpy().astype(np.float64) for plane in each])
            for name, each in _PLANES.items()
        }
        return Correspondences(
            image_a=table["image_a"].to_numpy().astype(np.int64),
            image_b=table["image_b"].to_numpy().astype(np.int64),
            weights=table["weight"].to_numpy().astype(np.float64),
            held_out=table["held_out"].to_numpy().astype(np.bool_),
            **planes,
        )
    except (OSError, KeyError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ArtifactError(
            f"{path}: expected correspondences written by this program: {error}."
        ) from error
