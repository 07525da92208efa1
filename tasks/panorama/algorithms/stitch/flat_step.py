"""Flat step: how much brightness jumps across the seams where nothing hides it, as in a sky.

Only places of seams count about which both images are flat. There the picture's luma is read to
either side of the seam, far enough for a blend to have ended that just smears a step; what rises
there in the images themselves is no step and is subtracted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.metrics.seam_places import (
    UNCOVERED,
    borders,
    interpolate,
    nearest,
    seam_normals,
    wrapped,
)
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray, IntArray

_FLAT_GREY_PER_PX = 2.0
_REACH_PX = 30.0
_MEAN_SIGMA_PX = 5.0  # of the places whose mean luma is read
_NOISE_SIGMA_PX = 2.0  # else a photo's noise would be taken for structure
_MARGIN_PX = 64

Layer = Callable[[int, Box], tuple[Float32Array, BoolArray]]


@dataclass(frozen=True)
class FlatStep:
    """Steps across the flat parts of a panorama's seams.

    Attributes:
        mean_grey: Their mean, grey levels of luma; nan without any.
        num_points: Places at which they were measured.
    """

    mean_grey: float
    num_points: int


def measure_flat_step(picture: ByteImage, labels: IntArray, layer: Layer) -> FlatStep:
    """Measure the steps across the flat parts of an equirectangular panorama's seams.

    Args:
        picture: (h, w, 3) BGR; its left and right borders meet.
        labels: (h, w) index of the image that each pixel belongs to, `UNCOVERED` for none.
        layer: ``layer(image, box)`` gives an image at the pixels of an unrolled box: (h, w, 3)
            float32 BGR in the picture's exposure, and (h, w) where it shows them, unclipped.
    """
    luma = wrapped(_blurred(luma_of(picture), _MEAN_SIGMA_PX), _MARGIN_PX)
    wide_labels = wrapped(labels.astype(np.int64), _MARGIN_PX)
    steps = [
        _steps(luma, wide_labels, pair, places, layer)
        for pair, places in borders(wide_labels, _MARGIN_PX).items()
    ]
    together = np.concatenate([*steps, np.zeros(0)])
    mean_grey = float(together.mean()) if len(together) else float("nan")
    return FlatStep(mean_grey, len(together))


def _steps(
    luma: Float32Array,
    labels: IntArray,
    pair: tuple[int, int],
    places: FloatArray,
    layer: Layer,
) -> FloatArray:
    """Steps at the flat places of one pair's seam."""
    box = _around(places)
    slopes, flats = [], []
    normals, known = seam_normals(labels, pair, places)
    corner = np.array([box.left_px + _MARGIN_PX, box.top_px], np.float64)
    ends = [places + side * _REACH_PX * normals for side in (-1, 1)]
    for index in pair:
        pixels, shown = layer(index, box)
        grey = luma_of(pixels)
        flats.append(nearest(_is_flat(grey, shown), places - corner))
        blurred = _blurred(grey, _MEAN_SIGMA_PX)
        slopes.append(
            interpolate(blurred, ends[1] - corner) - interpolate(blurred, ends[0] - corner)
        )
    covered = [nearest(labels != UNCOVERED, end) & _is_inside(end, labels) for end in ends]
    keep = known & flats[0] & flats[1] & covered[0] & covered[1]
    rise = interpolate(luma, ends[1]) - interpolate(luma, ends[0])
    return np.asarray(np.abs(rise - (slopes[0] + slopes[1]) / 2)[keep])


def _around(places: FloatArray) -> Box:
    """Box of the panorama, unrolled, about places in wrapped pixels."""
    left, top = np.floor(places.min(axis=0)).astype(int)
    right, bottom = np.ceil(places.max(axis=0)).astype(int)
    size = (int(right - left + 1), int(bottom - top + 1))
    return Box(int(left) - _MARGIN_PX, int(top), *size).grown(_MARGIN_PX)


def _is_flat(grey: Float32Array, shown: BoolArray) -> BoolArray:
    """Where an image is shown and has no structure within reach: (h, w)."""
    smooth = _blurred(grey, _NOISE_SIGMA_PX)
    slope = [
        cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3, scale=0.125) for order in ((1, 0), (0, 1))
    ]
    calm = shown & (np.hypot(*slope) <= _FLAT_GREY_PER_PX)
    distance = cv2.distanceTransform(calm.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance > _REACH_PX, np.bool_)


def _is_inside(points: FloatArray, labels: IntArray) -> BoolArray:
    return np.asarray((points[:, 1] >= 0) & (points[:, 1] <= labels.shape[0] - 1), np.bool_)


def _blurred(grey: Float32Array, sigma_px: float) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma_px), np.float32)
