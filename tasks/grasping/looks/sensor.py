"""What lens and sensor make of a picture: distortion, blur, motion, darker edges, noise."""

from __future__ import annotations

import functools
from dataclasses import replace

import cv2
import numpy as np

from tasks.grasping.looks.lens import distort
from tasks.grasping.looks.painter import paint
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import ByteImage, Camera, Float32Array, Look, Rendering, Scene

__all__ = ["develop", "distort", "noise_rng", "sense"]

_NUM_TIMES = 16  # at which a moving picture is looked at


def develop(rendering: Rendering, scene: Scene, textures: Textures, picture: int) -> Rendering:
    """Make the finished picture of a scene from what its camera measured.

    Args:
        rendering: Rendered through an ideal lens; with depth if the scene has a look.
        scene: Its look, or None for the engine's own picture; and its seed of the noise.
        textures: What the look's indices refer to.
        picture: Number of the picture within the scene, so that each has noise of its own and
            none depends on which others were taken.

    Returns:
        The rendering painted, bent by the lens and sensed.
    """
    if scene.look is None:
        return distort(rendering)
    painted = distort(replace(rendering, rgb=paint(rendering, scene.look, textures)))
    rng = noise_rng(scene, picture)
    return replace(painted, rgb=sense(painted.rgb, scene.look, scene.camera, rng))


def noise_rng(scene: Scene, picture: int) -> np.random.Generator:
    """Generator of the noise of one picture of a scene."""
    return np.random.default_rng([scene.noise_seed, picture])


def sense(rgb: ByteImage, look: Look, camera: Camera, rng: np.random.Generator) -> ByteImage:
    """Blur, smear, expose and add noise.

    Args:
        rgb: What falls on the sensor, (h, w, 3).
        look: Blur, motion, exposure and noise.
        camera: Its angles decide how much darker the corners are (cosine to the fourth power).
        rng: Draws the noise.

    Returns:
        The picture, (h, w, 3), uint8.
    """
    blurred = cv2.GaussianBlur(rgb, (0, 0), look.blur_px) if look.blur_px > 0 else rgb
    if any(look.motion_px):
        blurred = cv2.filter2D(blurred, -1, _smear(*look.motion_px))
    height, width = rgb.shape[:2]
    # Rows of 3 w values: NumPy is slow where the innermost axis has but three.
    seen = np.asarray(blurred).reshape(height, -1) * _falloff(
        width, height, camera.fx_px, camera.fy_px, camera.cx_px, camera.cy_px
    )
    seen *= np.tile(np.array(look.gain, np.float32), width)
    if look.noise_sigma > 0:
        seen += np.float32(look.noise_sigma) * rng.standard_normal(seen.shape, np.float32)
    seen += np.float32(0.5)
    return np.clip(seen, 0, 255, out=seen).astype(np.uint8).reshape(rgb.shape)


@functools.lru_cache(maxsize=32)
def _smear(x_px: float, y_px: float) -> Float32Array:
    """Share of the exposure that a point spends at each pixel about its middle place, (k, k)."""
    reach = int(np.ceil(max(abs(x_px), abs(y_px)) / 2))
    times = (np.arange(_NUM_TIMES) + 0.5) / _NUM_TIMES - 0.5
    pixels = np.arange(-reach, reach + 1)
    near_x, near_y = (
        np.maximum(1 - np.abs(times[:, None] * moved_px - pixels), 0) for moved_px in (x_px, y_px)
    )
    return np.asarray(near_y.T @ near_x / _NUM_TIMES, np.float32)


@functools.lru_cache(maxsize=32)
def _falloff(width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> Float32Array:
    """Light that reaches the sensor, of that in the middle, (h, 3 w), once for each channel."""
    x, y = np.meshgrid((np.arange(width) - cx) / fx, (np.arange(height) - cy) / fy)
    factor: Float32Array = np.repeat(1 / (1 + x**2 + y**2) ** 2, 3, axis=1).astype(np.float32)
    factor.setflags(write=False)
    return factor
