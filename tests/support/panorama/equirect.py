"""The equirectangular picture: where a direction lies on it, and back.

Written down once more, apart from the maps of `algorithms/place`, so that they can be judged.

Longitude runs along the width, latitude along the height (half the width); see
`tasks.panorama.types` for the frame.
"""

from __future__ import annotations

from math import pi

import numpy as np

from tasks.panorama.types import Float32Array, FloatArray


def directions(width_px: int, height_px: int, rows: slice = slice(None)) -> Float32Array:
    """Directions of the pixels of a panorama.

    Args:
        width_px: Width of the whole panorama.
        height_px: Height of the whole panorama.
        rows: Which of its rows.

    Returns:
        (rows, width_px, 3) float32 unit vectors in the rig frame.
    """
    longitude = ((np.arange(width_px) + 0.5) / width_px - 0.5) * 2 * pi
    latitude = (0.5 - (np.arange(height_px)[rows] + 0.5) / height_px) * pi
    result = np.empty((len(latitude), width_px, 3), np.float32)
    result[..., 0] = np.outer(np.cos(latitude), np.sin(longitude))
    result[..., 1] = -np.sin(latitude)[:, None]
    result[..., 2] = np.outer(np.cos(latitude), np.cos(longitude))
    return result


def to_pixels(directions: FloatArray, width_px: int) -> FloatArray:
    """Places of directions on a panorama of ``width_px`` by ``width_px / 2``.

    Args:
        directions: (n, 3) in the rig frame, any length but zero.
        width_px: Width of the panorama.

    Returns:
        (n, 2) pixels; x in (-0.5, width_px - 0.5].
    """
    d = np.asarray(directions, np.float64)
    longitude = np.arctan2(d[:, 0], d[:, 2])
    latitude = np.arctan2(-d[:, 1], np.hypot(d[:, 0], d[:, 2]))
    return np.column_stack(
        [
            (longitude / (2 * pi) + 0.5) * width_px - 0.5,
            (0.5 - latitude / pi) * (width_px / 2) - 0.5,
        ]
    )
