"""Radial lens distortion: which ray reaches a pixel.

OpenCV's model (D. C. Brown, "Decentering Distortion of Lenses", Photogrammetric Engineering
1966): a ray at radius r of the image plane at distance 1 is seen at radius
``r (1 + k1 r^2 + k2 r^4)``.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from tasks.grasping.types import Camera, Float32Array, FloatArray, Rendering
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M

_NUM_NEWTON = 6  # each doubles the digits; 6 from the undistorted guess leave rounding alone


def pixel_rays(camera: Camera, *, is_distorted: bool) -> Float32Array:
    """Direction in which each pixel looks.

    Args:
        camera: The camera.
        is_distorted: Whether the lens counts; else the picture of an ideal lens.

    Returns:
        x and y of the ray where it meets the plane at distance 1, (2, h, w), camera frame.
    """
    k1, k2 = camera.distortion if is_distorted else (0.0, 0.0)
    return _rays(*_frame(camera), k1, k2)


def pixel_m(camera: Camera) -> float:
    """Width of a pixel in the middle of the bin."""
    centre = camera.camera_from_base @ np.array([*BIN_CENTRE_M, BIN_FLOOR_M, 1.0])
    return float(abs(centre[2]) / camera.fx_px)


def distort(rendering: Rendering) -> Rendering:
    """Bend the picture of an ideal lens as the camera's own does.

    The picture is interpolated; ids and depth are taken from the nearest pixel, so that no id
    appears that was not there. What an ideal lens of the same picture size doesn't see (a pixel
    or two at the corners) repeats the edge.

    Args:
        rendering: Rendered without distortion.

    Returns:
        The rendering as its camera sees it; itself where the lens is ideal.
    """
    camera = rendering.camera
    if not any(camera.distortion):
        return rendering
    map_x, map_y = _source_maps(*_frame(camera), *camera.distortion)

    def bent(image: Any, method: int) -> Any:
        return cv2.remap(image, map_x, map_y, method, borderMode=cv2.BORDER_REPLICATE)

    def nearest(image: Any) -> Any:
        return None if image is None else bent(image, cv2.INTER_NEAREST)

    return replace(
        rendering,
        rgb=bent(rendering.rgb, cv2.INTER_LINEAR),
        class_ids=nearest(rendering.class_ids),
        instance_ids=nearest(rendering.instance_ids),
        part_ids=nearest(rendering.part_ids),
        depth_m=nearest(rendering.depth_m),
        shading=nearest(rendering.shading),
    )


_Frame = tuple[int, int, float, float, float, float]


def _frame(camera: Camera) -> _Frame:
    return (
        *(camera.width_px, camera.height_px),
        *(camera.fx_px, camera.fy_px),
        *(camera.cx_px, camera.cy_px),
    )


@functools.lru_cache(maxsize=32)
def _rays(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float, k1: float, k2: float
) -> Float32Array:
    x, y = np.meshgrid((np.arange(width) - cx) / fx, (np.arange(height) - cy) / fy)
    if k1 or k2:
        seen = np.hypot(x, y)
        scale = _ideal_radius(seen, k1, k2) / np.where(seen > 0, seen, 1)
        x, y = x * scale, y * scale
    rays = np.stack([x, y]).astype(np.float32)
    rays.setflags(write=False)
    return rays


@functools.lru_cache(maxsize=32)
def _source_maps(
    width: int, height: int, fx: float, fy: float, cx: float, cy: float, k1: float, k2: float
) -> tuple[Float32Array, Float32Array]:
    """Pixel of the ideal picture, x and y, that each pixel of the bent one shows."""
    x, y = _rays(width, height, fx, fy, cx, cy, k1, k2)
    return x * np.float32(fx) + np.float32(cx), y * np.float32(fy) + np.float32(cy)


def _ideal_radius(seen: FloatArray, k1: float, k2: float) -> FloatArray:
    """Radius of the ray that is seen at a radius."""
    radius = seen.copy()
    for _ in range(_NUM_NEWTON):
        square = radius**2
        error = radius * (1 + square * (k1 + k2 * square)) - seen
        radius -= error / (1 + square * (3 * k1 + 5 * k2 * square))
    return radius
