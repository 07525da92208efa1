"""Rigs as JSON between stages: every number comes back exactly as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import ArtifactError
from tasks.panorama.types import Camera, Rig

_FORMAT = "panorama.rig/1"


def write_rig_json(path: Path, rig: Rig) -> None:
    """Write a rig."""
    content = {"format": _FORMAT, "cameras": [camera_to_json(camera) for camera in rig.cameras]}
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_rig_json(path: Path) -> Rig:
    """Read a rig that `write_rig_json` wrote.

    Raises:
        ArtifactError: The file is not such a rig.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ArtifactError(f"{path}: expected {_FORMAT}, found {content['format']}.")
        return Rig(tuple(camera_from_json(camera) for camera in content["cameras"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path}: expected a rig written by this program: {error}.") from error


def camera_to_json(camera: Camera) -> dict[str, Any]:
    """A camera as plain JSON values."""
    return {
        "name": camera.name,
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "model": camera.model,
        "params": [float(x) for x in camera.params],
        "camera_from_rig": camera.camera_from_rig.tolist(),
        "centre_m": camera.centre_m.tolist(),
    }


def camera_from_json(entry: Mapping[str, Any]) -> Camera:
    """The camera that `camera_to_json` described."""
    return Camera(
        name=entry["name"],
        width_px=entry["width_px"],
        height_px=entry["height_px"],
        model=entry["model"],
        params=tuple(entry["params"]),
        camera_from_rig=np.array(entry["camera_from_rig"], np.float64),
        centre_m=np.array(entry["centre_m"], np.float64),
    )
