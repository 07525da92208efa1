"""Multi-band blending on the whole sphere.

Burt and Adelson, *A Multiresolution Spline with Application to Image Mosaics*, ACM Transactions
on Graphics 2 (4), 1983: each band of an image's Laplacian pyramid is mixed over a distance of
the size of what it shows. What is particular here:

- The sphere closes on itself: the canvas repeats a strip beyond both ends, so the first and
  the last column of the panorama go into each other.
- An image is sampled and decomposed only around what it contributes, one image after the
  other: memory does not grow with their number.
- Beyond its border an image goes on with what the others show there, so that a blend wider than
  the overlap brings nothing in from nowhere; where none shows anything it is mirrored, and the
  bands are divided by the sum of their weights: towards what no camera saw, nothing darkens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.algorithms.place.canvas import Box, bounding_box, column_runs, whole
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.types import BoolArray, ByteImage, Float32Array

_MIN_WEIGHT = 1e-4
_NARROWEST = 128  # times the coarsest band's pixel must go into the panorama's width
_REACH = 3  # a band's weights reach this many of its own pixels, generously

Sampler = Callable[[int, Box], tuple[Float32Array, BoolArray]]


@dataclass
class _Canvas:
    """The panorama, unrolled and repeated at both ends, and its pyramid."""

    box: Box
    labels: LabelMap
    bands: list[Float32Array]


def blend(labels: LabelMap, num_images: int, sample: Sampler, num_bands: int) -> ByteImage:
    """Blend images along the borders of their labels.

    Args:
        labels: (height, width) index of the image that each pixel of the panorama belongs to,
            `UNCOVERED` where none does; the width is twice the height.
        num_images: Number of images.
        sample: ``sample(image, box)`` gives the image at the pixels of an unrolled box, (h, w, 3)
            float32 in 0..255, mirrored beyond its border, and (h, w) where it shows them.
        num_bands: Number of band-pass levels; 0 puts the images hard side by side. Fewer are
            used where the panorama is small.

    Returns:
        (height, width, 3) uint8; 0 where no image covers.
    """
    num_bands = max(0, min(num_bands, int(np.log2(labels.shape[1] / _NARROWEST))))
    base = _side_by_side(labels, num_images, sample)
    if num_bands == 0:
        return base
    canvas = _empty(labels, num_bands)
    for index in range(num_images):
        for box in _contributions(canvas, index, num_bands):
            pixels, shown = sample(index, box)
            _fill(pixels, shown, box, base, labels)
            _add(canvas, index, box, pixels)
    _normalise(canvas)
    return _picture(canvas, labels)


def _side_by_side(labels: LabelMap, num_images: int, sample: Sampler) -> ByteImage:
    """Put the images hard side by side."""
    canvas = _empty(labels, 0)
    for index in range(num_images):
        for box in _contributions(canvas, index, 0):
            _add(canvas, index, box, sample(index, box)[0])
    return _picture(canvas, labels)


def _fill(
    pixels: Float32Array, shown: BoolArray, box: Box, base: ByteImage, labels: LabelMap
) -> None:
    """Replace what an image does not show by what others show there; changes `pixels`."""
    if shown.all():
        return
    height_px, width_px = labels.shape
    missing_rows, missing_columns = np.nonzero(~shown)
    rows = missing_rows + box.top_px
    columns = (missing_columns + box.left_px) % width_px
    known = rows < height_px
    known[known] = labels[rows[known], columns[known]] != UNCOVERED
    place = (missing_rows[known], missing_columns[known])
    pixels[place] = base[rows[known], columns[known]]


def _picture(canvas: _Canvas, labels: LabelMap) -> ByteImage:
    """The panorama in bytes, cut from the canvas."""
    shown = canvas.box.clipped(whole(labels.shape[1]))
    part = _collapsed(canvas.bands)[shown.slices(canvas.box)]
    cut = shown.slices(whole(labels.shape[1]))
    rounded = cv2.add(part, 0.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]
    result = np.zeros((*labels.shape, 3), np.uint8)
    cv2.copyTo(rounded, (labels[cut] != UNCOVERED).astype(np.uint8), result[cut])
    return result


def _empty(labels: LabelMap, num_bands: int) -> _Canvas:
    """Lay out the canvas: the covered part alone, or all with its ends repeated."""
    width_px = labels.shape[1]
    multiple = 2**num_bands
    margin_px = _REACH * multiple
    covered = labels != UNCOVERED
    box = bounding_box(covered) or Box(0, 0, multiple, multiple)
    box = Box(box.left_px - margin_px, box.top_px, box.width_px + 2 * margin_px, box.height_px)
    if box.left_px < 0 and box.right_px > width_px:
        box = Box(-margin_px, box.top_px, width_px + 2 * margin_px, box.height_px)
    box = box.aligned(multiple)
    columns = np.arange(box.left_px, box.right_px) % width_px
    unrolled = np.full((box.height_px, box.width_px), UNCOVERED, np.uint8)
    filled = labels[box.top_px : box.bottom_px][:, columns]
    unrolled[: len(filled)] = filled
    bands = [
        np.zeros((box.height_px >> level, box.width_px >> level, 3), np.float32)
        for level in range(num_bands + 1)
    ]
    return _Canvas(box, unrolled, bands)


def _contributions(canvas: _Canvas, index: int, num_bands: int) -> Iterator[Box]:
    """Boxes of the canvas that an image's label and the reach of its bands fill."""
    margin_px = _REACH * 2**num_bands
    mine = canvas.labels == index
    for start, length in column_runs(mine.any(axis=0), 2 * margin_px):
        rows = np.flatnonzero(mine[:, start : start + length].any(axis=1))
        top_px, height_px = int(rows[0]), int(rows[-1] - rows[0] + 1)
        box = Box(start, top_px, length, height_px)
        box = box.shifted(canvas.box.left_px, canvas.box.top_px)
        yield box.grown(margin_px).clipped(canvas.box).aligned(2**num_bands)


def _add(canvas: _Canvas, index: int, box: Box, pixels: Float32Array) -> None:
    """Add the bands of one image, weighted by its blurred label."""
    cut = box.slices(canvas.box)
    mask = (canvas.labels[cut] == index).astype(np.uint8)
    weights: Float32Array = mask.astype(np.float32)
    for level, band in enumerate(canvas.bands):
        rows, columns = (slice(s.start >> level, s.stop >> level) for s in cut)
        target = band[rows, columns]
        coarser = pixels
        if level + 1 < len(canvas.bands):
            coarser = _halved(pixels)
            pixels = pixels - _doubled(coarser)
        if level == 0:
            cv2.copyTo(pixels, mask, target)
        else:
            weights = _halved(weights)
            target += pixels * weights[..., None]
        pixels = coarser


def _normalise(canvas: _Canvas) -> None:
    """Divide the bands by the sum of their weights: 1 but near what no image covers."""
    covered: BoolArray = canvas.labels != UNCOVERED
    if covered.all():
        return
    weights: Float32Array = covered.astype(np.float32)
    for band in canvas.bands[1:]:
        weights = _halved(weights)
        band /= np.maximum(weights, _MIN_WEIGHT)[..., None]


def _collapsed(bands: Sequence[Float32Array]) -> Float32Array:
    """Add the bands up, from the coarsest."""
    picture = bands[-1]
    for band in reversed(bands[:-1]):
        picture = _doubled(picture)
        picture += band
    return picture


def _halved(pixels: Float32Array) -> Float32Array:
    return np.asarray(cv2.pyrDown(pixels), np.float32)


def _doubled(pixels: Float32Array) -> Float32Array:
    return np.asarray(cv2.pyrUp(pixels), np.float32)
