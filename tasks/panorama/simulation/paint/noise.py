"""Random fields with detail at all scales, the raw material of the textures.

A sum of octaves of smoothly interpolated random grids (K. Perlin, "An Image Synthesizer",
1985, section "Stochastic modeling"; value noise in place of gradient noise). Coarse octaves
are drawn first and from a generator of their own, so that a finer raster of the same seed
shows the same picture with more detail.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from tasks.panorama.types import Float32Array

_MIN_SIZE_PX = 4


def fractal(
    rng: np.random.Generator,
    size_m: tuple[float, float],
    texels_per_m: float,
    coarsest_m: float = 2.0,
    persistence: float = 0.75,
) -> Float32Array:
    """Draw a random field whose contrast is spread over all scales.

    Args:
        rng: Generator; one child of it is used.
        size_m: Width and height.
        texels_per_m: Raster.
        coarsest_m: Size of the largest blobs.
        persistence: Amplitude of an octave relative to the one before.

    Returns:
        (height, width) float32 with mean 0 and standard deviation about 1.
    """
    own = rng.spawn(1)[0]
    width_px, height_px = raster_size(size_m, texels_per_m)
    cell_m, amplitude, energy = coarsest_m, 1.0, 0.0
    field: Any = np.zeros((2, 2), np.float32)
    while True:
        shape = (int(size_m[1] / cell_m) + 2, int(size_m[0] / cell_m) + 2)
        drawn = own.standard_normal(shape, dtype=np.float32)
        field = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)
        field += amplitude * drawn
        energy += amplitude**2
        if cell_m * texels_per_m <= 2.0:
            break
        cell_m, amplitude = cell_m / 2.0, amplitude * persistence
    field = cv2.resize(field, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / np.sqrt(energy), np.float32)


def raster_size(size_m: tuple[float, float], texels_per_m: float) -> tuple[int, int]:
    """Return width and height in texels of a surface of a given size."""
    width_px = max(_MIN_SIZE_PX, round(size_m[0] * texels_per_m))
    height_px = max(_MIN_SIZE_PX, round(size_m[1] * texels_per_m))
    return width_px, height_px
