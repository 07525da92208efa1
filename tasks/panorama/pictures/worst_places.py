"""The worst places of a panorama: where two images disagree along a seam, and windows there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.stitch.seam_excess import SeamExcess
from tasks.panorama.types import ByteImage, FloatArray

_SMOOTHED_PLACES = 48  # a place is as bad as the seam around it


@dataclass(frozen=True)
class WorstPlace:
    """A place on a seam where two images disagree.

    Attributes:
        pair: The images.
        column_px: Column on the panorama of the seams' size.
        row_px: Row.
        difference: How far the images are apart around it, grey levels.
    """

    pair: tuple[int, int]
    column_px: int
    row_px: int
    difference: float

    def is_near(self, other: WorstPlace, distance_px: float) -> bool:
        """Tell whether another place is nearer than a distance."""
        apart = np.hypot(self.column_px - other.column_px, self.row_px - other.row_px)
        return bool(apart < distance_px)


def worst_places(seams: Sequence[SeamExcess], count: int, apart_px: int) -> list[WorstPlace]:
    """Find where images disagree most along seams.

    Args:
        seams: The seams of a panorama.
        count: How many places at most.
        apart_px: Least distance between two places, on the panorama of the seams.

    Returns:
        The worst first.
    """
    candidates: list[WorstPlace] = []
    for seam in seams:
        along = int(np.argmax(np.ptp(seam.places_px, axis=0)))
        order = np.argsort(seam.places_px[:, along], kind="stable")
        smooth = _smoothed(seam.differences[order])
        places = seam.places_px[order]
        for index in np.argsort(-smooth, kind="stable")[:: max(1, _SMOOTHED_PLACES // 8)]:
            column, row = places[index]
            candidates.append(WorstPlace(seam.pair, int(column), int(row), float(smooth[index])))
    candidates.sort(key=lambda place: -place.difference)
    chosen: list[WorstPlace] = []
    for place in candidates:
        if len(chosen) == count:
            break
        if not any(place.is_near(other, apart_px) for other in chosen):
            chosen.append(place)
    return chosen


def window_around(place: WorstPlace, factor: int, size_px: tuple[int, int], covered: Box) -> Box:
    """Window of a panorama around a place, within what is covered as far as it can be.

    Args:
        place: The place, on a panorama that is smaller by `factor`.
        factor: See above.
        size_px: (width, height) of the window; smaller where less is covered.
        covered: Box of the covered part of the panorama.

    Returns:
        The window.
    """
    width_px, height_px = min(size_px[0], covered.width_px), min(size_px[1], covered.height_px)
    left_px = place.column_px * factor - width_px // 2
    top_px = place.row_px * factor - height_px // 2
    return Box(
        int(np.clip(left_px, covered.left_px, covered.right_px - width_px)),
        int(np.clip(top_px, covered.top_px, covered.bottom_px - height_px)),
        width_px,
        height_px,
    )


def crop(panorama: ByteImage, window: Box) -> ByteImage:
    """Cut an unrolled window out of a whole panorama."""
    rows = slice(window.top_px, window.bottom_px)
    return np.ascontiguousarray(panorama[rows][:, columns_of(window, panorama.shape[1])])


def _smoothed(values: FloatArray) -> FloatArray:
    kernel = np.ones(min(_SMOOTHED_PLACES, len(values)))
    return np.asarray(np.convolve(values, kernel / len(kernel), mode="same"))
