"""Sample images on the equirectangular panorama.

Bicubic, along the places of `source_maps`. An image that is finer than the panorama is
averaged down first, so that it does not alias.
"""

from __future__ import annotations

from dataclasses import replace
from math import pi

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.algorithms.place.source_maps import SourceMap, upsampled
from tasks.panorama.types import Float32Array

_ROWS_AT_ONCE = 512  # bounds the memory of the full-size map
_FINER_AT_MOST = 1.2  # bicubic sampling bears this much


def prefiltered(
    image: npt.NDArray[np.generic], focal_px: float, panorama_width_px: int
) -> Float32Array:
    """Average an image down until it is no finer than the panorama.

    Args:
        image: (h, w) or (h, w, channels), 8 bit or float32.
        focal_px: Its pixels a radian.
        panorama_width_px: Width of the whole panorama.

    Returns:
        The image, float32; smaller where it was finer, and perhaps the same array where not.
    """
    ratio = focal_px * 2 * pi / panorama_width_px
    pixels = image.astype(np.float32, copy=False)
    if ratio < 1.2:
        return pixels
    size = [max(2, round(length / ratio)) for length in (pixels.shape[1], pixels.shape[0])]
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)


def warp(prefiltered_image: Float32Array, found: SourceMap, box: Box) -> Float32Array:
    """Sample an image at the pixels of a box.

    Around the image its content is mirrored, so that a blend over the border meets no black.

    Args:
        prefiltered_image: What `prefiltered` returned: (h, w) or (h, w, channels) float32.
        found: The image's map.
        box: Which pixels of the panorama, unrolled.

    Returns:
        (height, width) or (height, width, channels) float32.
    """
    height_px, width_px = prefiltered_image.shape[:2]
    size_px = np.array([width_px, height_px], np.float32)
    scale = size_px / np.array(found.image_size_px, np.float32)
    at_scale = (found.nodes_px + np.float32(0.5)) * scale - np.float32(0.5)
    # Far away places would make the mirroring walk for ever.
    nodes_px = np.asarray(np.clip(at_scale, -size_px, 2 * size_px), np.float32)
    result = np.empty((box.height_px, box.width_px, *prefiltered_image.shape[2:]), np.float32)
    for start in range(0, box.height_px, _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, box.height_px)
        strip = replace(box, top_px=box.top_px + start, height_px=stop - start)
        cv2.remap(  # type: ignore[call-overload]
            prefiltered_image,
            upsampled(found, nodes_px, strip),
            None,
            cv2.INTER_CUBIC,
            dst=result[start:stop],
            borderMode=cv2.BORDER_REFLECT_101,
        )
    return result
