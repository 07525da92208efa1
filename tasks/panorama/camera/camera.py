"""Cameras of a rig: pixels to directions and back.

A direction leaves the rig's centre: where the camera itself stands does not matter to a
panorama, so `Camera.centre_m` is not used here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.panorama.camera.lenses import distort, lens_of, undistort
from tasks.panorama.types import Alignment, BoolArray, Camera, FloatArray

_NOWHERE_PX = -1e6


def rays(camera: Camera, points_px: FloatArray) -> FloatArray:
    """Directions along which pixels look.

    Args:
        camera: The camera.
        points_px: (n, 2) pixels; they may lie outside the image.

    Returns:
        (n, 3) unit vectors in the rig frame.
    """
    fx, fy, cx, cy = camera.params[:4]
    points = (np.asarray(points_px, np.float64) - (cx, cy)) / (fx, fy)
    return np.asarray(undistort(lens_of(camera), points) @ camera.camera_from_rig)


def project(camera: Camera, directions: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Pixels that look along directions.

    Args:
        camera: The camera.
        directions: (n, 3) in the rig frame, any length but zero.

    Returns:
        (n, 2) pixels, always finite; far outside the image where the lens model has no
        answer. And (n,) whether a pixel counts: in front of the camera, within the model's
        range, and inside the image including the outer half of its border pixels.
    """
    fx, fy, cx, cy = camera.params[:4]
    in_camera = np.asarray(directions, np.float64) @ camera.camera_from_rig.T
    points, known = distort(lens_of(camera), in_camera)
    points *= (fx, fy)
    points += (cx, cy)
    points[~known] = _NOWHERE_PX
    inside = (
        (points[:, 0] >= -0.5)
        & (points[:, 1] >= -0.5)
        & (points[:, 0] <= camera.width_px - 0.5)
        & (points[:, 1] <= camera.height_px - 0.5)
    )
    return points, known & inside


def scaled(camera: Camera, factor: float) -> Camera:
    """Return the camera of the image resized by a factor, its size rounded to whole pixels."""
    width_px = max(1, round(camera.width_px * factor))
    height_px = max(1, round(camera.height_px * factor))
    factor_x, factor_y = width_px / camera.width_px, height_px / camera.height_px
    fx, fy, cx, cy = camera.params[:4]
    linear = (
        fx * factor_x,
        fy * factor_y,
        (cx + 0.5) * factor_x - 0.5,
        (cy + 0.5) * factor_y - 0.5,
    )
    return replace(
        camera, width_px=width_px, height_px=height_px, params=linear + camera.params[4:]
    )


def directions_of(alignment: Alignment, image_index: int, points_px: FloatArray) -> FloatArray:
    """Directions along which pixels look once the image is warped.

    Args:
        alignment: Calibration and fields.
        image_index: Index of the image.
        points_px: (n, 2) pixels of the source image.

    Returns:
        (n, 3) unit vectors in the rig frame.
    """
    field = alignment.fields[image_index]
    points = np.asarray(points_px, np.float64)
    if field is not None:
        points = points + field.sample(points)
    return rays(alignment.rig.cameras[image_index], points)
