"""The truth of a simulated capture on disk: cameras, light, depth, correspondences, panorama."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import DataError
from tasks.intake.arrays import read_npz
from tasks.intake.documents import read_json
from tasks.intake.images import read_image_bytes
from tasks.panorama.input.rig_files.checks import MAX_RIG_BYTES, MAX_SIDE_PX
from tasks.panorama.input.rig_files.rig_json import camera_from_json, camera_to_json
from tasks.panorama.types import ByteImage, Float32Array, Photometry, Rig, TruePoints, Truth

_CAMERAS, _CORRESPONDENCES = "cameras.json", "correspondences.parquet"
MAX_POINTS, MAX_MEGAPIXELS = 50_000_000, 200
_COLUMNS = ("image_a", "image_b", "x_a", "y_a", "x_b", "y_b", "sky")
_PANORAMA, _PANORAMA_SKY, _DEPTHS = "panorama.png", "panorama_sky.png", "depths.npz"


def save_truth(folder: Path, truth: Truth) -> None:
    """Write the truth into a folder, which is made."""
    folder.mkdir(parents=True)
    document = {
        "cameras": [camera_to_json(camera) for camera in truth.rig.cameras],
        "gains_bgr": truth.photometry.gains.tolist(),
        "vignetting": list(truth.photometry.vignetting),
    }
    (folder / _CAMERAS).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _points_to_table(truth.points).to_parquet(folder / _CORRESPONDENCES, index=False)
    if truth.panorama is not None and truth.panorama_is_sky is not None:
        _write_png(folder / _PANORAMA, truth.panorama)
        _write_png(folder / _PANORAMA_SKY, truth.panorama_is_sky.astype(np.uint8) * 255)
    if truth.depths_m:
        names = [camera.name for camera in truth.rig.cameras]
        named: dict[str, Any] = dict(zip(names, truth.depths_m, strict=True))
        np.savez(folder / _DEPTHS, **named)


def load_truth(folder: Path) -> Truth:
    """Read the truth of a capture.

    Args:
        folder: The capture's folder (that holds ``truth/``).

    Raises:
        DataError: The capture has no truth, or it is damaged or of an impossible size.
    """
    inner = folder / "truth"
    if not (inner / _CAMERAS).is_file():
        raise DataError(f"{folder}: expected truth/{_CAMERAS}; only simulated captures have truth")
    rig, photometry = _read_cameras(inner / _CAMERAS)
    panorama = _read_png(inner / _PANORAMA, cv2.IMREAD_COLOR)
    is_sky = _read_png(inner / _PANORAMA_SKY, cv2.IMREAD_GRAYSCALE)
    if panorama is not None and is_sky is not None and panorama.shape[:2] != is_sky.shape:
        raise DataError(f"{inner}: expected {_PANORAMA} and {_PANORAMA_SKY} of one size")
    return Truth(
        rig=rig,
        photometry=photometry,
        points=_read_points(inner / _CORRESPONDENCES, len(rig.cameras)),
        panorama=panorama,
        panorama_is_sky=None if is_sky is None else is_sky > 0,
        depths_m=_read_depths(inner / _DEPTHS, [camera.name for camera in rig.cameras]),
    )


def _read_cameras(path: Path) -> tuple[Rig, Photometry]:
    document = read_json(path, MAX_RIG_BYTES, "the cameras of a simulated capture")
    try:
        rig = Rig(tuple(camera_from_json(entry) for entry in document["cameras"]))
        gains = np.array(document["gains_bgr"], np.float64)
        k2, k4 = (float(value) for value in document["vignetting"])
        if gains.shape != (len(rig.cameras), 3) or not np.isfinite([*gains.ravel(), k2, k4]).all():
            raise ValueError("gains or vignetting are not those of its cameras")  # noqa: TRY301
        return rig, Photometry(gains, (k2, k4))
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise DataError(f"{path}: expected a simulated capture's cameras: {error}") from error


def _read_points(path: Path, num_cameras: int) -> TruePoints:
    """Read the points; a table that declares more than a capture has is not read."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            if file.metadata.num_rows > MAX_POINTS:
                raise DataError(f"{path}: expected at most {MAX_POINTS:,} points")
            points = _points_from_table(file.read(columns=list(_COLUMNS)).to_pandas())
    except (OSError, LookupError, TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected a simulated capture's points: {error}") from error
    images = np.stack([points.image_a, points.image_b])
    if images.size and not (images.min() >= 0 and images.max() < num_cameras):
        raise DataError(f"{path}: expected images 0 to {num_cameras - 1}, found others")
    places_px = np.concatenate([points.points_a_px, points.points_b_px])
    if not (np.abs(places_px) <= MAX_SIDE_PX).all():
        raise DataError(f"{path}: expected points inside of pictures, found NaN or others")
    return points


def _points_to_table(points: TruePoints) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_a": points.image_a.astype(np.int16),
            "image_b": points.image_b.astype(np.int16),
            "x_a": points.points_a_px[:, 0],
            "y_a": points.points_a_px[:, 1],
            "x_b": points.points_b_px[:, 0],
            "y_b": points.points_b_px[:, 1],
            "sky": points.is_sky,
        }
    )


def _points_from_table(table: pd.DataFrame) -> TruePoints:
    return TruePoints(
        image_a=table["image_a"].to_numpy(np.int64),
        image_b=table["image_b"].to_numpy(np.int64),
        points_a_px=table[["x_a", "y_a"]].to_numpy(np.float64),
        points_b_px=table[["x_b", "y_b"]].to_numpy(np.float64),
        is_sky=table["sky"].to_numpy(np.bool_),
    )


def _read_depths(path: Path, names: Sequence[str]) -> tuple[Float32Array, ...]:
    if not path.is_file():
        return ()
    arrays = read_npz(path, names)
    return tuple(np.asarray(arrays[name], np.float32) for name in names)


def _write_png(path: Path, image: ByteImage) -> None:
    # Level 1 halves the time and costs a few per cent of size.
    _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(data.tobytes())  # which, other than OpenCV, says why it can't


def _read_png(path: Path, mode: int) -> Any:
    if not path.is_file():
        return None
    data = read_image_bytes(path, MAX_MEGAPIXELS)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    if picture is None:
        raise DataError(f"{path}: expected a whole picture, but it is damaged; copy it again")
    return picture
