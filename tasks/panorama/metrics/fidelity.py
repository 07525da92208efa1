"""Fidelity: how close a panorama comes to the picture that one eye would have seen.

Peak signal-to-noise ratio to the ray-traced panorama from the rig's centre, over BGR. Two
methods are compared on the pixels that both cover.
"""

from __future__ import annotations

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.types import BoolArray, ByteImage

_PEAK = 255.0
# Identical pictures: the error that rounding to 8 bits may hide.
_MIN_SQUARE = 1.0 / 12.0


def psnr_db(picture: ByteImage, reference: ByteImage, counted: BoolArray) -> float:
    """Peak signal-to-noise ratio of a picture.

    Args:
        picture: (h, w, 3).
        reference: (h, w, 3).
        counted: (h, w) pixels that count: covered, not sky.

    Raises:
        DataError: No pixel counts, or the sizes differ.
    """
    if picture.shape != reference.shape:
        raise DataError(f"PSNR: expected size {reference.shape}, got {picture.shape}")
    if not counted.any():
        raise DataError("PSNR: expected at least one pixel that counts, got none")
    difference = picture[counted].astype(np.float64) - reference[counted]
    square = max(float((difference**2).mean()), _MIN_SQUARE)
    return float(10.0 * np.log10(_PEAK**2 / square))


def psnr_gain_db(
    ours: ByteImage,
    theirs: ByteImage,
    reference: ByteImage,
    covered_ours: BoolArray,
    covered_theirs: BoolArray,
    is_sky: BoolArray,
) -> float:
    """Our PSNR less theirs, on the non-sky pixels that both cover."""
    counted = covered_ours & covered_theirs & ~is_sky
    return psnr_db(ours, reference, counted) - psnr_db(theirs, reference, counted)
