"""Figures of one way to stitch a simulated capture, against its truth."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.metrics.fidelity import psnr_db
from tasks.panorama.metrics.misalignment import measure_misalignment
from tasks.panorama.types import Alignment, BoolArray, ByteImage, Truth


def true_misalignment(truth: Truth, alignment: Alignment) -> dict[str, float]:
    """``true_mean_px`` and ``true_p95_px`` of what is not sky; nothing where all is sky.

    Args:
        truth: The truth; its images are those of the alignment, in the same order.
        alignment: The way.
    """
    try:
        error = measure_misalignment(alignment, truth.points, ~truth.points.is_sky)
    except DataError:
        return {}
    return {"true_mean_px": error.mean_px, "true_p95_px": error.p95_px}


def true_fidelity(truth: Truth, picture: ByteImage, covered: BoolArray) -> dict[str, float]:
    """``psnr_db`` to the true panorama, sky left out; nothing where there is no such panorama.

    Args:
        truth: The truth.
        picture: (h, 2h, 3) a panorama, of any size up to the true one's.
        covered: (h, 2h) where an image covers it.
    """
    if truth.panorama is None or truth.panorama_is_sky is None:
        return {}
    size = (picture.shape[1], picture.shape[0])
    reference = cv2.resize(truth.panorama, size, interpolation=cv2.INTER_AREA)
    sky = cv2.resize(truth.panorama_is_sky.astype(np.uint8), size) > 0
    try:
        return {"psnr_db": psnr_db(picture, np.asarray(reference, np.uint8), covered & ~sky)}
    except DataError:
        return {}
