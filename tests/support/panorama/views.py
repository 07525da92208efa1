"""Photos of a textured sphere: what cameras at its centre see."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from tasks.panorama.camera.camera import rays
from tasks.panorama.types import ByteImage, Camera
from tests.support.panorama.equirect import to_pixels


@lru_cache(maxsize=4)
def textured_sphere(width_px: int = 2048, seed: int = 0) -> ByteImage:
    """An equirectangular picture of coloured spots of many sizes."""
    rng = np.random.default_rng(seed)
    height_px = width_px // 2
    total = np.zeros((height_px, width_px, 3), np.float32)
    for spot_px in (64, 16, 8, 4):
        size = (height_px // spot_px, width_px // spot_px, 3)
        spots = rng.normal(size=size).astype(np.float32)
        total += cv2.resize(spots, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 32 * total, 0, 255).astype(np.uint8)


def photograph(camera: Camera, sphere: ByteImage) -> ByteImage:
    """What a camera sees of the sphere, (height, width, 3)."""
    x, y = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    directions = rays(camera, np.column_stack([x.ravel(), y.ravel()]).astype(float))
    places = to_pixels(directions, sphere.shape[1]).astype(np.float32)
    shape = (camera.height_px, camera.width_px)
    return cv2.remap(
        sphere,
        places[:, 0].reshape(shape),
        places[:, 1].reshape(shape),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
