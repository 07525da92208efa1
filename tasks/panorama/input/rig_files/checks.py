"""What every rig must satisfy, whichever file it came from."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.camera.lenses import NUM_PARAMS
from tasks.panorama.types import Camera, Rig

MIN_CAMERAS = 2
MAX_CAMERAS = 100
MAX_SIDE_PX = 100_000
MAX_FOCAL_RATIO = 1000.0  # of a focal length to the longer side, and of that side to it
MAX_RIG_BYTES = 20_000_000
MAX_NUMBER = 1e9  # of metres, px and distortion: beyond it, sums of squares lose their meaning
_ROTATION_TOLERANCE = 1e-6


def check_rig(rig: Rig, where: str) -> Rig:
    """Return the rig if it can be used.

    Args:
        rig: The rig.
        where: The file or folder that it came from, for messages.

    Raises:
        DataError: The number of cameras is not 2 to 100, two share a name, or a camera's
            numbers make no sense.
    """
    if not MIN_CAMERAS <= len(rig.cameras) <= MAX_CAMERAS:
        raise DataError(
            f"{where}: expected {MIN_CAMERAS} to {MAX_CAMERAS} cameras, found "
            f"{len(rig.cameras)}; a capture is one set of photos taken around one point."
        )
    counts = Counter(camera.name for camera in rig.cameras)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise DataError(
            f"{where}: expected a name of its own for each camera, but {repeated[0]!r} is used "
            f"{counts[repeated[0]]} times; rename the image and its entry in the rig."
        )
    for camera in rig.cameras:
        _check_camera(camera, where)
    return rig


def _check_camera(camera: Camera, where: str) -> None:
    num_params = NUM_PARAMS.get(camera.model)
    if len(camera.params) != num_params:
        raise DataError(
            f"{where}, camera {camera.name[:100]!r}: expected a lens model of "
            f"{', '.join(NUM_PARAMS)} with its numbers, found {str(camera.model)[:100]!r} with "
            f"{len(camera.params)}; export the rig again."
        )
    numbers = [*camera.params, *camera.camera_from_rig.ravel(), *camera.centre_m]
    if not np.isfinite(numbers).all():
        raise DataError(
            f"{where}, camera {camera.name!r}: expected finite numbers, found NaN or infinity; "
            "export the rig again."
        )
    if min(camera.width_px, camera.height_px) < 1 or min(camera.params[:2]) <= 0:
        raise DataError(
            f"{where}, camera {camera.name!r}: expected a positive size and focal length, found "
            f"{camera.width_px} x {camera.height_px} px and {camera.params[0]:g} px; "
            "correct the rig file."
        )
    side_px = max(camera.width_px, camera.height_px)
    if (
        side_px > MAX_SIDE_PX
        or max(camera.params[:2]) > MAX_FOCAL_RATIO * side_px
        or min(camera.params[:2]) < side_px / MAX_FOCAL_RATIO
        or np.abs(numbers).max() > MAX_NUMBER
    ):
        raise DataError(
            f"{where}, camera {camera.name[:100]!r}: expected sides up to {MAX_SIDE_PX} px, focal "
            f"lengths up to {MAX_FOCAL_RATIO:g} times them or as much less, and numbers up to "
            f"{MAX_NUMBER:g}, found others; correct the rig file."
        )
    rotation = camera.camera_from_rig
    off = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if off > _ROTATION_TOLERANCE or np.linalg.det(rotation) < 0:
        raise DataError(
            f"{where}, camera {camera.name!r}: expected a rotation matrix, but it is off by "
            f"{off:.2g}; export the rig again."
        )
