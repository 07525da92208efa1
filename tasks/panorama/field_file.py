"""Warp fields as npz files: some 30 kB of control points a capture."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.core.errors import ArtifactError
from tasks.panorama.algorithms.grid_field import GridField
from tasks.panorama.algorithms.spline import SplineField
from tasks.panorama.types import DisplacementField

_FORMAT = "panorama.fields/1"


def write_fields(path: Path, fields: Sequence[DisplacementField | None]) -> None:
    """Write one field per image; splines exactly, grids to float32.

    Raises:
        TypeError: A field is neither a spline, a grid nor None.
    """
    arrays: dict[str, np.ndarray] = {
        "format": np.array(_FORMAT),
        "num_fields": np.array(len(fields)),
    }
    for index, field in enumerate(fields):
        if isinstance(field, SplineField):
            arrays[f"spline_{index}_control_px"] = field.control_px
            arrays[f"spline_{index}_size_px"] = np.array([field.width_px, field.height_px])
        elif isinstance(field, GridField):
            arrays[f"grid_{index}_values_px"] = field.values_px.astype(np.float32)
            arrays[f"grid_{index}_lattice_px"] = np.array([*field.origin_px, field.step_px])
        elif field is not None:
            raise TypeError(f"field {index}: expected a spline or a grid, got {type(field)}")
    with path.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_fields(path: Path) -> tuple[DisplacementField | None, ...]:
    """Read fields that `write_fields` wrote.

    Raises:
        ArtifactError: The file holds no such fields.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if str(arrays["format"]) != _FORMAT:
                raise ArtifactError(f"{path}: expected {_FORMAT}, found {arrays['format']}.")
            return tuple(_field(arrays, index) for index in range(int(arrays["num_fields"])))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(
            f"{path}: expected warp fields written by this program: {error}."
        ) from error


def _field(arrays: np.lib.npyio.NpzFile, index: int) -> DisplacementField | None:
    if f"spline_{index}_control_px" in arrays:
        width_px, height_px = arrays[f"spline_{index}_size_px"].tolist()
        return SplineField(arrays[f"spline_{index}_control_px"], width_px, height_px)
    if f"grid_{index}_values_px" in arrays:
        x_px, y_px, step_px = arrays[f"grid_{index}_lattice_px"].tolist()
        values = arrays[f"grid_{index}_values_px"].astype(np.float64)
        return GridField(values, step_px, (x_px, y_px))
    return None
