"""Capture folders for tests: photos of a textured sphere with the rig that took them."""

from __future__ import annotations

from pathlib import Path

import cv2

from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.types import Rig
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere


def small_rig(num_cameras: int = 3, step_deg: float = 35.0) -> Rig:
    """Cameras of 96 x 128 px on the horizon."""
    return ring_rig(num_cameras, step_deg, width_px=96, height_px=128, focal_px=80.0)


def write_capture(
    folder: Path, rig: Rig | None = None, *, with_rig: bool = True, sphere_px: int = 512
) -> Path:
    """Write a capture: ``images/`` and, if asked for, the rig in ``sparse/``."""
    rig = rig or small_rig()
    sphere = textured_sphere(sphere_px)
    for camera in rig.cameras:
        path = folder / "images" / f"{camera.name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), photograph(camera, sphere))
    if with_rig:
        write_rig(folder / "sparse", rig)
    return folder
