"""Structural similarity of two pictures.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error
Visibility to Structural Similarity", 2004, section III: 11 x 11 Gaussian window with standard
deviation 1.5, K1 = 0.01, K2 = 0.03, on luma. Only windows that lie within the mask count.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.panorama.types import BoolArray, Float32Array

_WINDOW_PX = 11
_SIGMA_PX = 1.5
_C1 = (0.01 * 255.0) ** 2
_C2 = (0.03 * 255.0) ** 2


def similarity_within(one: Float32Array, other: Float32Array, both: BoolArray) -> tuple[float, int]:
    """Similarity of two views where both count, their exposure made equal.

    Args:
        one: (h, w) luma, 0..255.
        other: (h, w) luma; scaled to the first one's mean.
        both: (h, w) where both views show something; some of it must.

    Returns:
        Mean similarity, and the area that it stands for in px: that of windows which lie within
        what counts. Zero and zero where there is no such window.
    """
    gain = one[both].mean() / max(float(other[both].mean()), 1.0)
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    inner = cv2.erode(both.astype(np.uint8), window, borderValue=0) > 0
    if not inner.any():
        return 0.0, 0
    return float(ssim_map(one, other * gain)[inner].mean()), int(inner.sum())


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
