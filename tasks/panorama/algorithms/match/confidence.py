"""Where flow can be trusted: structure to hold on to, and a way back to the start.

Source: Shi & Tomasi, "Good Features to Track" (CVPR 1994), section 4, for the smaller
eigenvalue; Krainin & Liu, "Seamless Google Street View Panoramas" (2017), who drop flow where
the picture has too little structure.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray, IntArray

_WINDOW_PX = 7
_GOOD_ROUND_TRIP_PX = 0.3


def structure(image: ByteImage) -> Float32Array:
    """Root of the smaller eigenvalue of the mean structure tensor, grey levels per px, (h, w).

    It is the change of brightness along the direction in which the neighbourhood changes
    least: small in flat parts and along edges.
    """
    right = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    window = (_WINDOW_PX, _WINDOW_PX)
    xx, yy = cv2.blur(right * right, window), cv2.blur(down * down, window)
    xy = cv2.blur(right * down, window)
    smaller = 0.5 * (xx + yy) - np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    return np.asarray(np.sqrt(np.maximum(smaller, 0.0)), np.float32)


def best_per_block(score: Float32Array, usable: BoolArray, block_px: int) -> IntArray:
    """The usable pixel of highest score in each block.

    Args:
        score: (h, w).
        usable: (h, w).
        block_px: Side of the blocks.

    Returns:
        (n, 2) integer x, y; blocks without a usable pixel give none.
    """
    height, width = score.shape
    rows, columns = -(-height // block_px), -(-width // block_px)
    padded = np.full((rows * block_px, columns * block_px), -np.inf, np.float32)
    padded[:height, :width] = np.where(usable, score, -np.inf)
    tiled = padded.reshape(rows, block_px, columns, block_px).swapaxes(1, 2)
    blocks = tiled.reshape(rows * columns, -1)
    best = blocks.argmax(axis=1)
    found = np.flatnonzero(np.isfinite(blocks[np.arange(len(blocks)), best]))
    row, column = np.divmod(found, columns)
    down, right = np.divmod(best[found], block_px)
    return np.column_stack([column * block_px + right, row * block_px + down]).astype(np.int64)


def weights(round_trip_px: FloatArray) -> FloatArray:
    """Weight of matches by how well they find back, (n,) px -> (n,) in (0, 1]."""
    return np.asarray(1.0 / (1.0 + (round_trip_px / _GOOD_ROUND_TRIP_PX) ** 2))
