"""A capture's files: what the stages keep of it on disk, written and read again.

Its photos and rig come from the ingest stage; matches, warp fields and photometry are what
restitching itself finds.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import ArtifactError
from tasks.core.records import FileRef
from tasks.panorama.algorithms.fit.grid_field import GridField
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.input.photos import read_mask, read_photo
from tasks.panorama.input.rig_files.rig_json import read_rig_json
from tasks.panorama.manifests import CaptureRecord, WarpRecord
from tasks.panorama.types import (
    UNREPAIRED,
    Alignment,
    BoolArray,
    ByteImage,
    Correspondences,
    DisplacementField,
    Photometry,
    Rig,
)

RECALIBRATED, WARPED, KERNEL = "recalibrated", "warped", "kernel"

MAX_KEPT_BYTES = 300_000_000
"""Pixels of a capture's photos up to which all of them stay decoded."""
_FIELDS_FORMAT = "panorama.fields/1"
_PLANES: dict[str, tuple[str, ...]] = {
    "points_a_px": ("x_a_px", "y_a_px"),
    "points_b_px": ("x_b_px", "y_b_px"),
    "colours_a": ("blue_a", "green_a", "red_a"),
    "colours_b": ("blue_b", "green_b", "red_b"),
}

Fetch = Callable[[FileRef], Path]
"""Gives a local path of a file: ``folder.fetch`` or ``ctx.store.fetch``."""


@dataclass(frozen=True)
class Solution:
    """What is known about a capture once it is solved.

    Attributes:
        ways: Alignments by name: as it was given, recalibrated, and warped.
        baselines: Further ones that serve only to compare; empty unless asked for.
        photometry: Gains and falloff.
        matches: All matches; no fit has seen the held-out ones.
    """

    ways: Mapping[str, Alignment]
    baselines: Mapping[str, Alignment]
    photometry: Photometry
    matches: Correspondences


def read_solution(record: WarpRecord, fetch: Fetch) -> Solution:
    """Read a capture's fits.

    Args:
        record: What the solve stage wrote.
        fetch: Gives its files.

    Raises:
        ArtifactError: A file is missing or damaged.
    """
    nominal = read_rig(record.capture, fetch)
    refined = read_rig_json(fetch(record.rig))
    none = (None,) * len(nominal.cameras)
    ways = {
        UNREPAIRED: Alignment(nominal, none),
        RECALIBRATED: Alignment(refined, none),
        WARPED: Alignment(refined, read_fields(fetch(record.fields))),
    }
    baselines = {}
    if record.baseline_fields is not None:
        baselines[KERNEL] = Alignment(refined, read_fields(fetch(record.baseline_fields)))
    return Solution(
        ways=ways,
        baselines=baselines,
        photometry=read_photometry(fetch(record.photometry)),
        matches=read_correspondences(fetch(record.correspondences)),
    )


class Photos(Sequence[ByteImage]):
    """Pixels of a capture's photos, each decoded when it is asked for.

    They stay in memory as long as all of them together are small. Who goes through large ones
    several times has them decoded as often, and holds one at a time.
    """

    def __init__(self, capture: CaptureRecord, fetch: Fetch) -> None:
        """Fetch the files.

        Args:
            capture: The capture.
            fetch: Gives its files.

        Raises:
            ArtifactError: A file is missing or damaged.
        """
        self._files = [(fetch(image.file), image.orientation) for image in capture.images]
        num_bytes = sum(image.width_px * image.height_px * 3 for image in capture.images)
        self._kept: dict[int, ByteImage] | None = {} if num_bytes <= MAX_KEPT_BYTES else None

    def __len__(self) -> int:
        """Number of photos."""
        return len(self._files)

    @overload
    def __getitem__(self, index: int) -> ByteImage: ...
    @overload
    def __getitem__(self, index: slice) -> list[ByteImage]: ...
    def __getitem__(self, index: int | slice) -> ByteImage | list[ByteImage]:
        """One photo, (height, width, 3) BGR, or several.

        Raises:
            DataError: It can't be read.
        """
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        if self._kept is None:
            return read_photo(*self._files[place])
        if place not in self._kept:
            self._kept[place] = read_photo(*self._files[place])
        return self._kept[place]


def read_images(capture: CaptureRecord, fetch: Fetch) -> Sequence[ByteImage]:
    """Pixels of all photos, (height, width, 3) BGR each, in the order of the rig's cameras."""
    return Photos(capture, fetch)


def read_masks(capture: CaptureRecord, fetch: Fetch) -> list[BoolArray | None]:
    """Where each photo may be used, (height, width); None where it may be used everywhere."""
    return [
        None if image.mask is None else read_mask(fetch(image.mask)) for image in capture.images
    ]


def read_rig(capture: CaptureRecord, fetch: Fetch) -> Rig:
    """The capture's rig; its cameras are in the order of the images."""
    return read_rig_json(fetch(capture.rig))


def truth_folder(capture: CaptureRecord, fetch: Fetch) -> Path | None:
    """The folder of a simulated capture, which holds ``truth/``; None for a real one."""
    paths = [fetch(file) for file in capture.truth.values()]
    return paths[0].parent.parent if paths else None


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


def write_fields(path: Path, fields: Sequence[DisplacementField | None]) -> None:
    """Write one field per image; splines exactly, grids to float32.

    Raises:
        TypeError: A field is neither a spline, a grid nor None.
    """
    arrays: dict[str, np.ndarray] = {
        "format": np.array(_FIELDS_FORMAT),
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
            if str(arrays["format"]) != _FIELDS_FORMAT:
                raise ArtifactError(f"{path}: expected {_FIELDS_FORMAT}, found {arrays['format']}.")
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


def write_photometry(path: Path, photometry: Photometry) -> None:
    """Write gains and falloff as JSON."""
    content = {
        "gains_bgr": photometry.gains.tolist(),
        "vignetting_k2_k4": list(photometry.vignetting),
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_photometry(path: Path) -> Photometry:
    """Read what `write_photometry` wrote.

    Raises:
        ArtifactError: The file holds no photometry.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        k2, k4 = (float(value) for value in content["vignetting_k2_k4"])
        gains = np.array(content["gains_bgr"], np.float64).reshape(-1, 3)
        return Photometry(gains, (k2, k4))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path}: expected gains and falloff written by this program: {error}."
        ) from error
