"""A painted sphere and a rig that photographs it: what every stitch must give back."""

from __future__ import annotations

import math

import cv2
import numpy as np

from tasks.panorama.camera.camera import rays
from tasks.panorama.types import ByteImage, Camera, FloatArray, Rig


def colours_along(directions: FloatArray) -> FloatArray:
    """Smooth colours, 60..195, of directions (n, 3): waves of about 20 degrees."""
    x, y, z = np.asarray(directions, np.float64).T
    waves = [
        np.sin(17 * x + 5 * y) * np.cos(13 * z),
        np.sin(11 * y - 7 * z + 1) * np.cos(15 * x),
        np.sin(19 * z + 3 * x) * np.cos(9 * y + 2),
    ]
    return np.stack([128 + 65 * wave for wave in waves], axis=1)


def photo_of_sphere(camera: Camera) -> ByteImage:
    """(h, w, 3) BGR photo of the sphere by a camera."""
    x, y = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    colours = colours_along(rays(camera, points))
    return np.rint(colours).astype(np.uint8).reshape(camera.height_px, camera.width_px, 3)


def turned(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """camera_from_rig of a camera that looks `yaw_deg` to the right and `pitch_deg` up."""
    yaw, _ = cv2.Rodrigues(np.array([0.0, math.radians(yaw_deg), 0.0]))
    pitch, _ = cv2.Rodrigues(np.array([math.radians(pitch_deg), 0.0, 0.0]))
    return np.asarray((yaw @ pitch).T, np.float64)


def pinhole(name: str, yaw_deg: float, pitch_deg: float, size_px: int = 160) -> Camera:
    """A square pinhole camera with a field of view of 75 degrees."""
    focal_px = size_px / 2 / math.tan(math.radians(37.5))
    middle = (size_px - 1) / 2
    return Camera(
        name=name,
        width_px=size_px,
        height_px=size_px,
        model="PINHOLE",
        params=(focal_px, focal_px, middle, middle),
        camera_from_rig=turned(yaw_deg, pitch_deg),
        centre_m=np.zeros(3),
    )


def small_rosette() -> Rig:
    """Six cameras round the horizon and one at the zenith; the nadir stays unseen."""
    ring = [pinhole(f"ring_{k}", 60.0 * k, 12.0) for k in range(6)]
    return Rig((*ring, pinhole("zenith", 20.0, 90.0)))
