"""Figures of one way to stitch a simulated capture, against its truth."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.metrics.fidelity import psnr_db
from tasks.panorama.metrics.misalignment import measure_misalignment
from tasks.panorama.simulation.truth import Truth
from tasks.panorama.types import Alignment, BoolArray, ByteImage


def true_figures(
    truth: Truth, alignment: Alignment, picture: ByteImage, covered: BoolArray
) -> dict[str, float]:
    """Compare with the truth.

    Args:
        truth: The truth; its images are those of the alignment, in the same order.
        alignment: The way.
        picture: (h, 2h, 3) its panorama, of any size up to the true one's.
        covered: (h, 2h) where an image covers it.

    Returns:
        ``true_mean_px`` and ``true_p95_px``, the misalignment of what is not sky; and
        ``psnr_db`` to the true panorama where there is one. What can't be told is left out.
    """
    figures: dict[str, float] = {}
    try:
        error = measure_misalignment(alignment, truth.points, ~truth.points.is_sky)
        figures.update(true_mean_px=error.mean_px, true_p95_px=error.p95_px)
        if truth.panorama is not None and truth.panorama_is_sky is not None:
            size = (picture.shape[1], picture.shape[0])
            reference = cv2.resize(truth.panorama, size, interpolation=cv2.INTER_AREA)
            sky = cv2.resize(truth.panorama_is_sky.astype(np.uint8), size) > 0
            figures["psnr_db"] = psnr_db(picture, np.asarray(reference, np.uint8), covered & ~sky)
    except DataError:
        return figures  # no point is left that counts
    return figures
