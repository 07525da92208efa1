"""The columns of a row, versioned; one row is one grasp attempt.

A shard declares its version, frame and units in the Parquet metadata, and each column its unit
and meaning in its field's metadata: a file explains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import ArtifactError

SCHEMA_ID: Final = "grasping.attempts/2"
_EARLIER: Final = {
    "grasping.attempts/1": "where only the motion is kept, which gives part of the outcome away",
}
"""Why rows of earlier versions are not read."""
MAX_ROWS: Final = 5_000_000
MAX_BYTES: Final = 20_000_000_000
_ID_KEY: Final = b"orrery.schema_id"
_DECLARED: Final = {
    _ID_KEY: SCHEMA_ID.encode(),
    b"orrery.frame": b"base: origin in the arm's foot, x forward to the bin, y left, z up",
    b"orrery.camera_frame": b"x right, y down, z forward (OpenCV); first pixel's centre is (0, 0)",
    b"orrery.units": b"m, rad, s, px",
    b"orrery.pose": b"TCP of the downward gripper: x_m, y_m, z_m, yaw_rad of the closing axis",
    b"orrery.command": b"to the closing pose: dx_m, dy_m, dz_m, sin 2 dyaw, cos 2 dyaw; base frame",
    b"orrery.motion": b"as the command, but to where the gripper got to",
    b"orrery.pictures": b"PNG, RGB, 8 bit; masks and ids 8-bit grey; depth 16-bit grey, 0.1 mm",
    b"orrery.quaternions": b"x, y, z, w",
    b"orrery.classes": b"0 background, 1 tray, 2 object, 3 arm, 4 gripper",
}

_TEXT, _PNG, _REAL, _FLAG = pa.string(), pa.binary(), pa.float64(), pa.bool_()


def _vector(length: int) -> pa.DataType:
    return pa.list_(pa.float64(), length)


def _column(name: str, kind: pa.DataType, meaning: str, unit: str = "") -> pa.Field:
    metadata = {"meaning": meaning} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, metadata=metadata)


STEP_FIELDS: Final = (
    _column("image", _PNG, "picture with the arm, before the move", "PNG, RGB"),
    _column("class_mask", _PNG, "semantic class of each pixel", "PNG"),
    _column("instance_mask", _PNG, "0, or 1 + index of the object", "PNG"),
    _column("pose", _vector(4), "TCP where the picture was taken", "m, m, m, rad"),
    _column("target", _vector(4), "TCP that was commanded", "m, m, m, rad"),
    _column("reached", _vector(4), "TCP after the move", "m, m, m, rad"),
    _column("command", _vector(5), "from pose to where the fingers shall close", "m, m, m, -, -"),
    _column("motion", _vector(5), "from pose to where the fingers closed", "m, m, m, -, -"),
    _column("depth", _PNG, "distance along the optical axis; null if not stored", "PNG, 0.1 mm"),
    _column("parts", _PNG, "1 + link index of arm and gripper; null if not stored", "PNG"),
    _column("shading", _PNG, "lights on a white surface; null if not stored", "PNG"),
)
"""What a row keeps of each decision."""

SCHEMA: Final = pa.schema(
    [
        _column("attempt_id", _TEXT, "<world>/<scene_id>/<attempt_index>, unique"),
        _column("scene_id", _TEXT, "<split>-<root_seed>-<index>-<recipe_digest's first 8>"),
        _column("attempt_index", pa.int32(), "number of the attempt within its scene"),
        _column("world", _TEXT, "bullet, bullet-restyled, bullet-structured or surrogate"),
        _column("recipe_digest", _TEXT, "digest of all settings that decide the rows"),
        _column("root_seed", pa.int64(), "root of all random draws"),
        _column("split", _TEXT, "part of the objects that the scene may show"),
        _column("object_family", _TEXT, "where the objects come from"),
        _column("object_ids", pa.list_(_TEXT), "the scene's objects"),
        _column("object_positions_m", pa.list_(_vector(3)), "origins of their links at rest", "m"),
        _column("object_quaternions_xyzw", pa.list_(_vector(4)), "turns of their links at rest"),
        _column("object_centres_m", pa.list_(_vector(3)), "their centres of mass at rest", "m"),
        _column("camera_matrix", _vector(9), "true intrinsics, row by row", "px"),
        _column("camera_from_base", _vector(16), "true extrinsics, row by row", "m"),
        _column("calibrated_matrix", _vector(9), "intrinsics as the calibration has them", "px"),
        _column("calibrated_from_base", _vector(16), "extrinsics as the calibration has them", "m"),
        _column("distortion", _vector(2), "radial distortion k1, k2 (OpenCV)"),
        _column("image_before", _PNG, "picture without the arm", "PNG, RGB"),
        _column("class_mask_before", _PNG, "semantic class of each pixel", "PNG"),
        _column("instance_mask_before", _PNG, "0, or 1 + index of the object", "PNG"),
        _column("depth_before", _PNG, "see the steps' depth; null if not stored", "PNG, 0.1 mm"),
        _column("parts_before", _PNG, "see the steps' parts; null if not stored", "PNG"),
        _column("shading_before", _PNG, "see the steps' shading; null if not stored", "PNG"),
        _column("steps", pa.list_(pa.struct(STEP_FIELDS)), "the decisions, first to last"),
        _column("policy", _TEXT, "uniform, near_object or model"),
        _column("is_uniform", _FLAG, "whether drawn uniformly over the bin"),
        _column("is_success", _FLAG, "whether an object was lifted"),
        _column("lifted_object", _TEXT, "id of that object, or null"),
        _column("lift_height_m", _REAL, "rise of the highest object", "m"),
        _column("finger_gap_m", _REAL, "between the finger tips after the lift", "m"),
        _column("is_stopped_early", _FLAG, "whether the rest was left out: nothing was touched"),
        _column("dynamics", _TEXT, "JSON: physical properties that were drawn"),
        _column("look", _TEXT, "JSON: appearance that was drawn; empty for the plain one"),
        _column("versions", _TEXT, "JSON: versions of what made the row"),
    ],
    metadata=_DECLARED,
)
"""Columns in order; lengths in metres in the base frame."""

SCENE_COLUMNS: Final = (
    "image_before",
    "class_mask_before",
    "instance_mask_before",
    "depth_before",
    "parts_before",
    "shading_before",
)
"""Pictures that all attempts of a scene share."""


def read_shard(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a shard.

    Args:
        path: A Parquet file.
        columns: Only these columns; all if None.

    Raises:
        ArtifactError: It is cut short, no Parquet file, or of another schema version.
    """
    with open_shard(path, columns) as file:
        return file.read(columns=columns)


@contextmanager
def open_shard(
    path: Path, columns: Sequence[str] | None = None, labels: Sequence[str] = ()
) -> Iterator[pq.ParquetFile]:
    """Open a shard, and look at its footer before anything is read.

    Args:
        path: A Parquet file.
        columns: The columns that are going to be read; all if None.
        labels: Columns of texts that repeat; they are read as such, each text once.

    Raises:
        ArtifactError: It is cut short, no Parquet file, of another schema version, lacks a
            column, or declares more rows or bytes than a shard has.
    """
    try:
        _check_plain(path)
        with pq.ParquetFile(path, read_dictionary=list(labels)) as file:
            check_version(file.schema_arrow.metadata, str(path))
            _check_footer(file, columns or SCHEMA.names, path)
            yield file
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(
            f"{path} is cut short or not a Parquet file: {error}; remove it and collect again"
        ) from error


def _check_plain(path: Path) -> None:
    if not path.is_file():  # a pipe would never end
        raise OSError("there is no plain file")


def _check_footer(file: pq.ParquetFile, columns: Sequence[str], path: Path) -> None:
    schema = file.schema_arrow  # made anew each time that it is asked for
    for name in dict.fromkeys(column.partition(".")[0] for column in columns):
        wanted, index = SCHEMA.field(name).type, schema.get_field_index(name)
        found: Any = schema.field(index).type if index >= 0 else pa.null()
        found = found.value_type if pa.types.is_dictionary(found) else found
        if found != wanted:
            raise ArtifactError(
                f"{path}: expected a column {name!r} of {wanted}, got {found}; remove it "
                "and collect again"
            )
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    num_bytes = sum(group.total_byte_size for group in groups)
    if file.metadata.num_rows > MAX_ROWS or num_bytes > MAX_BYTES:
        raise ArtifactError(
            f"{path}: expected a shard of at most {MAX_ROWS:,} rows and {MAX_BYTES:,} bytes, got "
            f"{file.metadata.num_rows:,} and {num_bytes:,}; remove it and collect again"
        )


def check_version(metadata: Any, where: str) -> None:
    """Raise unless Parquet metadata declares the schema version that this code reads.

    Raises:
        ArtifactError: It declares another version, or none.
    """
    found = (metadata or {}).get(_ID_KEY, b"").decode("utf-8", "replace") or "no schema id"
    if found != SCHEMA_ID:
        why = f" ({_EARLIER[found]})" if found in _EARLIER else ""
        raise ArtifactError(
            f"{where}: expected rows of {SCHEMA_ID}, got {found}{why}; read it with the version of "
            "this software that wrote it, or collect again"
        )
