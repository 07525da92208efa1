"""Structural similarity of two pictures.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error
Visibility to Structural Similarity", 2004, section III: 11 x 11 Gaussian window with standard
deviation 1.5, K1 = 0.01, K2 = 0.03, on luma. Only windows that lie within the mask count.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.types import BoolArray, ByteImage, Float32Array

_WINDOW_PX = 11
_SIGMA_PX = 1.5
_C1 = (0.01 * 255.0) ** 2
_C2 = (0.03 * 255.0) ** 2


def ssim(one: ByteImage, other: ByteImage, counted: BoolArray | None = None) -> float:
    """Mean structural similarity of two BGR pictures of one size.

    Args:
        one: (h, w, 3).
        other: (h, w, 3).
        counted: (h, w) pixels that count; all if None.

    Raises:
        DataError: No window lies within what counts.
    """
    height, width = one.shape[:2]
    mask = np.ones((height, width), bool) if counted is None else counted
    return _mean_within(ssim_map(luma_of(one), luma_of(other)), mask)


def overlap_ssim(
    one: ByteImage | Float32Array, other: ByteImage | Float32Array, both: BoolArray
) -> float:
    """Similarity of two warped images where they overlap, their exposure made equal.

    The second image is scaled, channel by channel, to the first one's mean over the overlap.

    Args:
        one: (h, w, 3) BGR.
        other: (h, w, 3) BGR.
        both: (h, w) where both images see something (that counts).

    Raises:
        DataError: No window lies within the overlap.
    """
    if not both.any():
        raise DataError("overlap SSIM: expected two images that overlap, got none that do")
    means = [image[both].astype(np.float64).mean(axis=0) for image in (one, other)]
    gains = (means[0] / np.maximum(means[1], 1e-6)).astype(np.float32)
    return _mean_within(ssim_map(luma_of(one), luma_of(other.astype(np.float32) * gains)), both)


def ssim_map(one: Float32Array, other: Float32Array) -> Float32Array:
    """Similarity around each pixel of two luma pictures, (h, w), -1..1."""
    mean_one, mean_other = _blurred(one), _blurred(other)
    variance_one = _blurred(one * one) - mean_one**2
    variance_other = _blurred(other * other) - mean_other**2
    covariance = _blurred(one * other) - mean_one * mean_other
    light = (2 * mean_one * mean_other + _C1) / (mean_one**2 + mean_other**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_one + variance_other + _C2)
    return np.asarray(light * structure, np.float32)


def _blurred(image: Float32Array) -> Float32Array:
    size = (_WINDOW_PX, _WINDOW_PX)
    return np.asarray(cv2.GaussianBlur(image, size, _SIGMA_PX), np.float32)


def _mean_within(similarity: Float32Array, mask: BoolArray) -> float:
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if not inner.any():
        raise DataError(f"SSIM: expected a window of {_WINDOW_PX} px within the mask, got none")
    return float(similarity[inner > 0].mean(dtype=np.float64))
