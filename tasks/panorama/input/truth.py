"""The truth of a simulated capture on disk: cameras, light, depth, correspondences, panorama."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.rig_json import camera_from_json, camera_to_json
from tasks.panorama.types import ByteImage, Float32Array, Photometry, Rig, TruePoints, Truth

_CAMERAS, _CORRESPONDENCES = "cameras.json", "correspondences.parquet"
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
        DataError: The capture has no truth.
    """
    inner = folder / "truth"
    if not (inner / _CAMERAS).is_file():
        raise DataError(f"{folder}: expected truth/{_CAMERAS}; only simulated captures have truth")
    document = json.loads((inner / _CAMERAS).read_text(encoding="utf-8"))
    rig = Rig(tuple(camera_from_json(entry) for entry in document["cameras"]))
    k2, k4 = document["vignetting"]
    panorama = _read_png(inner / _PANORAMA, cv2.IMREAD_COLOR)
    is_sky = _read_png(inner / _PANORAMA_SKY, cv2.IMREAD_GRAYSCALE)
    return Truth(
        rig=rig,
        photometry=Photometry(np.array(document["gains_bgr"]), (k2, k4)),
        points=_points_from_table(pd.read_parquet(inner / _CORRESPONDENCES)),
        panorama=panorama,
        panorama_is_sky=None if is_sky is None else is_sky > 0,
        depths_m=_read_depths(inner / _DEPTHS, [camera.name for camera in rig.cameras]),
    )


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
    with np.load(path) as archive:
        return tuple(np.asarray(archive[name], np.float32) for name in names)


def _write_png(path: Path, image: ByteImage) -> None:
    # Level 1 halves the time and costs a few per cent of size.
    _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(data.tobytes())  # which, other than OpenCV, says why it can't


def _read_png(path: Path, mode: int) -> Any:
    return cv2.imread(str(path), mode) if path.is_file() else None
