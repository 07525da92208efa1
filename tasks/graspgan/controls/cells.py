"""Crops as few numbers: means over a coarse grid of what a camera, or an oracle, sees.

Legend: n samples, s side of a crop, g cells along a side.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.grasping.types import SemanticClass

GRID: Final = 8
_EPSILON: Final = 1.0  # grey values of 255: a plain crop is not made into noise
FloatArray = npt.NDArray[np.float64]


def contrast_cells(crops: npt.NDArray[np.uint8]) -> FloatArray:
    """Colours of the cells, each channel less its mean over the crop, over its deviation.

    Args:
        crops: (n, s, s, 3); s is a multiple of `GRID`.

    Returns:
        (n, g g 3).
    """
    cells = _cells(crops)
    middle = cells.mean(axis=(1, 2), keepdims=True)
    spread = cells.std(axis=(1, 2), keepdims=True)
    found: FloatArray = ((cells - middle) / (spread + _EPSILON)).reshape(len(crops), -1)
    return found


def mask_cells(classes: npt.NDArray[np.uint8]) -> FloatArray:
    """Share of each cell that objects cover, (n, g g), by semantic classes (n, s, s): an oracle."""
    covered = (classes == SemanticClass.OBJECT)[..., None]
    return _cells(covered).reshape(len(classes), -1)


def height_cells(heights_m: npt.NDArray[np.floating]) -> FloatArray:
    """Mean height of each cell, (n, g g), by height maps (n, s, s): an oracle."""
    return _cells(heights_m[..., None]).reshape(len(heights_m), -1)


def _cells(maps: npt.NDArray[np.generic]) -> FloatArray:
    """Means (n, g, g, c) over the cells of maps (n, s, s, c)."""
    num, side, _, channels = maps.shape
    size = side // GRID
    grid = maps.reshape(num, GRID, size, GRID, size, channels)
    found: FloatArray = grid.mean(axis=(2, 4), dtype=np.float64)
    return found
