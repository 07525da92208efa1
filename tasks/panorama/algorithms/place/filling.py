"""What stands in for masked pixels wherever an image is filtered, matched or blended.

Filters and pyramids mix a pixel with its neighbours, so a masked pixel that is only skipped at the
end has long spread. Each is replaced by its nearest usable one before anything else is done.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.types import BoolArray, ByteImage, Float32Array

ValueT = TypeVar("ValueT", bound=np.generic)
_NOTHING = 128  # grey level of an image of which nothing is usable


def filled(image: npt.NDArray[ValueT], usable: BoolArray | None) -> npt.NDArray[ValueT]:
    """Replace masked pixels by the nearest usable ones.

    Args:
        image: (h, w) or (h, w, channels).
        usable: (h, w), False on what is masked; None for nothing.

    Returns:
        The image itself where nothing is masked; else a copy, grey where nothing is usable.
    """
    if usable is None or usable.all():
        return image
    if not usable.any():
        return np.full_like(image, _NOTHING)
    _, nearest = cv2.distanceTransformWithLabels(
        (~usable).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(nearest.max()) + 1, np.int64)  # of the pixel that bears each label
    place[nearest[usable]] = np.flatnonzero(usable)
    result = image.copy()
    flat = image.reshape(-1, *image.shape[2:])
    result[~usable] = flat[place[nearest[~usable]]]
    return result


def unknown_where_masked(image: ByteImage, usable: BoolArray | None) -> Float32Array:
    """The image in float32, NaN where it is masked: what is computed from that is NaN too."""
    result = image.astype(np.float32)
    if usable is not None:
        result[~usable] = np.nan
    return result
