"""Images on a small panorama, on which their brightness is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np

from tasks.panorama.algorithms.place.canvas import columns_of
from tasks.panorama.algorithms.place.source_maps import (
    Maps,
    SourceMap,
    border_distance,
    places,
    reduced,
)
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.types import BoolArray, Float32Array

_DARKEST = 8.0  # grey levels; below, noise spoils the ratio
_MOSTLY_WHOLE = 0.1  # share of a node that may be clipped


@dataclass(frozen=True)
class View:
    """One image on a small panorama.

    Attributes:
        logs: (h, w, 3) logarithm of its colours; may be NaN where it is not seen.
        seen: (h, w) where it is seen, bright enough and not clipped.
        places: (h, w, 2) where in the image that is, (x, y) in -1..1.
    """

    logs: Float32Array
    seen: BoolArray
    places: Float32Array


def views_of(
    images: Sequence[Float32Array], clipped: Sequence[BoolArray], maps: Maps
) -> dict[int, View]:
    """Lay images on the panorama of the lattice's size, on which each node is a pixel.

    Args:
        images: One (h, w, 3) image per camera, evened; small ones do. What is NaN is not seen.
        clipped: Per image (h, w) where the photo holds no detail.
        maps: Where they go on the panorama; None if nowhere.
    """
    return {
        index: _view(image, flat, found)
        for index, (image, flat, found) in enumerate(zip(images, clipped, maps, strict=True))
        if found is not None
    }


def _view(image: Float32Array, clipped: BoolArray, found: SourceMap) -> View:
    small = reduced(found, found.step_px)
    width = small.panorama_width_px
    focal_px = found.focal_px * image.shape[1] / found.image_size_px[0]
    box = small.box
    pixels = warp(prefiltered(image, focal_px, width), small, box)
    spoilt = warp(prefiltered(clipped, focal_px, width), small, box)
    seen = (border_distance(small, box) > 2 * pi / width) & (pixels.min(axis=2) > _DARKEST)
    size = np.array(found.image_size_px, np.float32)
    result = View(
        np.zeros((width // 2, width, 3), np.float32),
        np.zeros((width // 2, width), np.bool_),
        np.zeros((width // 2, width, 2), np.float32),
    )
    place = (slice(box.top_px, box.bottom_px), columns_of(box, width))
    result.logs[place] = np.log(np.maximum(pixels, 1.0))
    result.seen[place] = seen & (spoilt < _MOSTLY_WHOLE)
    result.places[place] = (places(small, box) + 0.5) / size * 2 - 1
    return result
