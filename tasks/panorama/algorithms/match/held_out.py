"""Which matches serve only to judge.

Whole blocks of the first image, so that a fitted match has no judge right beside it. The choice
depends on the image's index and the block alone, never on what was matched or fitted.
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.types import BoolArray, FloatArray

_BLOCK_PX = 64.0
# Odd constants of splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
# Generators", OOPSLA 2014).
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def is_held_out(image: int, points_px: FloatArray, share: float) -> BoolArray:
    """Choose whole 64-px blocks of an image.

    Args:
        image: Index of the first image of the matches.
        points_px: (n, 2) points in that image, from the nominal calibration.
        share: Share of the blocks that is held out.

    Returns:
        (n,) True where a point's block is held out.
    """
    block = np.floor(np.asarray(points_px) / _BLOCK_PX).astype(np.int64) + 2**15
    number = (np.uint64(image) << np.uint64(32)) | (block[:, 1].astype(np.uint64) << np.uint64(16))
    number |= block[:, 0].astype(np.uint64)
    return np.asarray(_mixed(number) < np.uint64(int(share * 2**63)) * np.uint64(2))


def _mixed(number: np.ndarray) -> np.ndarray:
    """Spread numbers evenly over 64 bits (splitmix64)."""
    with np.errstate(over="ignore"):
        number = (number + np.uint64(1)) * np.uint64(_GOLDEN)
        number = (number ^ (number >> np.uint64(30))) * np.uint64(_MIX_1)
        number = (number ^ (number >> np.uint64(27))) * np.uint64(_MIX_2)
        return np.asarray(number ^ (number >> np.uint64(31)))
