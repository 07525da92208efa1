"""All photos of a capture on one small picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import cv2
import numpy as np

from tasks.panorama.types import ByteImage

_GAP_PX = 4
_LABEL_PX = 16
_BACKGROUND = 32
_INK = (220, 220, 220)


def thumbnail(image: ByteImage, longer_side_px: int) -> ByteImage:
    """Shrink an image to a given longer side; a smaller one stays as it is."""
    height, width = image.shape[:2]
    factor = min(1.0, longer_side_px / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def contact_sheet(thumbnails: Sequence[ByteImage], labels: Sequence[str]) -> ByteImage:
    """Put thumbnails into a grid, each above its label.

    Args:
        thumbnails: (height, width, 3) BGR each, of any sizes.
        labels: One each; shown as far as they fit.

    Returns:
        (height, width, 3) BGR.
    """
    cell_width = max(image.shape[1] for image in thumbnails) + _GAP_PX
    cell_height = max(image.shape[0] for image in thumbnails) + _LABEL_PX + _GAP_PX
    columns = ceil(sqrt(len(thumbnails)))
    rows = ceil(len(thumbnails) / columns)
    sheet = np.full((rows * cell_height, columns * cell_width, 3), _BACKGROUND, np.uint8)
    for index, (image, label) in enumerate(zip(thumbnails, labels, strict=True)):
        top, left = index // columns * cell_height, index % columns * cell_width
        cell = np.ascontiguousarray(sheet[top : top + cell_height, left : left + cell_width])
        cell[: image.shape[0], : image.shape[1]] = image
        baseline = (2, cell_height - _GAP_PX - 4)
        cell = cv2.putText(cell, label, baseline, cv2.FONT_HERSHEY_SIMPLEX, 0.35, _INK)
        sheet[top : top + cell_height, left : left + cell_width] = cell
    return sheet
