"""Materials: pictures on surfaces, kept at all scales so that they can be seen from anywhere.

A texture lookup averages over the footprint of a pixel by interpolating between the two
nearest levels of an image pyramid (L. Williams, "Pyramidal Parametrics", SIGGRAPH 1983).
Beyond its border a texture continues mirrored, without a visible edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tasks.panorama.types import ByteImage, Float32Array

_MAX_LEVELS = 8
_ROW_PX = 1024


@dataclass(frozen=True)
class Material:
    """A picture with its pyramid, laid out in one atlas.

    Attributes:
        atlas: Level 0 on the left, the others in a column right of it; BGR.
        width_px: Width of level 0, divisible by ``2 ** (num_levels - 1)``.
        height_px: Height of level 0, likewise.
        texels_per_m: (2,) texels of level 0 per metre, in x and y.
        num_levels: Levels in the pyramid.
        on_ground: Whether the scene's ground light map falls on it.
    """

    atlas: ByteImage
    width_px: int
    height_px: int
    texels_per_m: tuple[float, float]
    num_levels: int
    on_ground: bool = False


def make_material(
    picture: Float32Array, size_m: tuple[float, float], *, on_ground: bool = False
) -> Material:
    """Build the pyramid of a picture.

    Args:
        picture: (h, w, 3) BGR 0..255.
        size_m: Width and height of the surface that it covers.
        on_ground: See `Material`.
    """
    shortest = min(picture.shape[:2])
    num_levels = max(1, min(_MAX_LEVELS, int(np.log2(shortest))))
    unit = 2 ** (num_levels - 1)
    height_px, width_px = (max(unit, round(side / unit) * unit) for side in picture.shape[:2])
    level: Any = np.clip(picture, 0.0, 255.0).astype(np.uint8)
    if level.shape[:2] != (height_px, width_px):
        level = cv2.resize(level, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    atlas = np.zeros((height_px, width_px + max(1, width_px // 2), 3), np.uint8)
    atlas[:, :width_px] = level
    top_px = 0
    for _ in range(1, num_levels):
        level = cv2.resize(
            level, (level.shape[1] // 2, level.shape[0] // 2), interpolation=cv2.INTER_AREA
        )
        height, width = level.shape[:2]
        atlas[top_px : top_px + height, width_px : width_px + width] = level
        top_px += height
    texels_per_m = (width_px / size_m[0], height_px / size_m[1])
    return Material(atlas, width_px, height_px, texels_per_m, num_levels, on_ground)


def sample(
    material: Material, s_m: Float32Array, t_m: Float32Array, footprint_m: Float32Array
) -> Float32Array:
    """Look up colours, averaged over a footprint.

    Args:
        material: The material.
        s_m: (n,) place along the texture's width; mirrored beyond it.
        t_m: (n,) place along its height.
        footprint_m: (n,) size of a pixel on the surface.

    Returns:
        (n, 3) float32 BGR 0..255.
    """
    x_px = _mirror(s_m * np.float32(material.texels_per_m[0]), material.width_px)
    y_px = _mirror(t_m * np.float32(material.texels_per_m[1]), material.height_px)
    density = float(np.sqrt(material.texels_per_m[0] * material.texels_per_m[1]))
    level = np.log2(np.maximum(footprint_m * np.float32(density), 1.0))
    level = np.minimum(level, np.float32(material.num_levels - 1))
    below = np.floor(level)
    above = np.minimum(below + 1.0, np.float32(material.num_levels - 1))
    share = (level - below)[:, None]
    fine = _at_level(material, x_px, y_px, below)
    if not share.any():
        return fine
    coarse = _at_level(material, x_px, y_px, above)
    return np.asarray(fine + share * (coarse - fine), np.float32)


def gather(image: ByteImage | Float32Array, x_px: Float32Array, y_px: Float32Array) -> Float32Array:
    """Interpolate an image bilinearly at n points; (n, channels) or (n,) float32."""
    count = len(x_px)
    num_rows = -(-count // _ROW_PX)
    maps = []
    for values in (x_px, y_px):
        padded = np.zeros(num_rows * _ROW_PX, np.float32)
        padded[:count] = values
        maps.append(padded.reshape(num_rows, _ROW_PX))
    drawn = cv2.remap(image, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn.reshape(num_rows * _ROW_PX, -1)[:count], np.float32)


def _mirror(place_px: Float32Array, size_px: int) -> Float32Array:
    size = np.float32(size_px)
    folded = np.abs(np.mod(place_px, 2 * size) - size)
    return np.asarray(size - folded, np.float32)


def _at_level(
    material: Material, x_px: Float32Array, y_px: Float32Array, level: Float32Array
) -> Float32Array:
    scale = np.exp2(-level)
    in_column = level > 0
    half = np.float32(0.5)
    x = np.clip(x_px * scale - half, 0.0, material.width_px * scale - 1.0)
    y = np.clip(y_px * scale - half, 0.0, material.height_px * scale - 1.0)
    x += np.where(in_column, np.float32(material.width_px), np.float32(0.0))
    y += np.where(in_column, material.height_px * (1.0 - 2.0 * scale), np.float32(0.0))
    return gather(material.atlas, x.astype(np.float32), y.astype(np.float32))
