"""Multi-band blending on the whole sphere.

Burt and Adelson, *A Multiresolution Spline with Application to Image Mosaics*, ACM Transactions
on Graphics 2 (4), 1983: each band of an image's Laplacian pyramid is mixed over a distance of
the size of what it shows. What is particular here:

- The sphere closes on itself: the canvas repeats a strip beyond both ends, so the first and
  the last column of the panorama go into each other.
- An image is sampled once, around what it contributes. What it shows is put into the picture as it
  is, and kept at half the size; all bands but the finest are mixed there. Away from borders nothing
  is mixed, so the picture only gets the difference that the mixing makes, twice as large.
- Beyond its border an image goes on with what the others show there, so that a blend wider than
  the overlap brings nothing in from nowhere; where none shows anything it is mirrored, and the
  bands are divided by the sum of their weights: towards what no camera saw, nothing darkens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tasks.panorama.algorithms.place.canvas import Box, bounding_box, column_runs, whole
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.types import BoolArray, ByteImage, Float32Array

_MIN_WEIGHT = 1e-4
_NARROWEST = 128  # times the coarsest band's pixel must go into the panorama's width
_TAPS = 5  # of the filter that halves
_REACH = 3  # a band's weights reach this many of its own pixels, generously

Sampler = Callable[[int, Box], tuple[Float32Array, BoolArray]]


@dataclass(frozen=True)
class _Canvas:
    """The panorama, unrolled and repeated at both ends.

    Attributes:
        box: What it covers; its edges are multiples of the coarsest band's pixel.
        labels: (h, w) index of the image of each pixel.
        picture: (h, w, 3) what is published.
    """

    box: Box
    labels: LabelMap
    picture: ByteImage


@dataclass(frozen=True)
class _Part:
    """What one image contributes, at half the size.

    Attributes:
        index: The image.
        cut: Rows and columns of the canvas.
        pixels: (h, w, 3).
        shown: (h, w) where only what the image shows went into a pixel.
    """

    index: int
    cut: tuple[slice, slice]
    pixels: Float32Array
    shown: BoolArray


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
    canvas = _empty(labels, num_bands)
    parts = []
    for index in range(num_images):
        for box in _contributions(canvas, index, num_bands):
            pixels, shown = sample(index, box)
            cut = box.slices(canvas.box)
            rounded = cv2.add(pixels, 0.0, dtype=cv2.CV_8U)  # type: ignore[call-overload]
            cv2.copyTo(rounded, _mask(canvas, index, cut), canvas.picture[cut])
            if num_bands:
                parts.append(_Part(index, cut, _halved(pixels), _shown_at_half(shown)))
    if num_bands:
        _mix(canvas, parts, num_bands)
    return _picture(canvas, labels)


def _mix(canvas: _Canvas, parts: Sequence[_Part], num_bands: int) -> None:
    """Mix the bands of all images and add what that changes; changes the canvas's picture."""
    parts = _filled(canvas, parts)
    height_px, width_px = canvas.labels.shape
    bands = [
        np.zeros((height_px >> level, width_px >> level, 3), np.float32)
        for level in range(1, num_bands + 1)
    ]
    for part in parts:
        _add(bands, _mask(canvas, part.index, part.cut), part)
    _normalise(bands, canvas.labels != UNCOVERED)
    mixed = _collapsed(bands)
    for part in parts:
        change = _doubled(mixed[_at_half(part.cut)] - part.pixels)
        picture = canvas.picture[part.cut]
        mask = _mask(canvas, part.index, part.cut)
        cv2.add(picture, change, dst=picture, mask=mask, dtype=cv2.CV_8U)


def _filled(canvas: _Canvas, parts: Sequence[_Part]) -> list[_Part]:
    """Replace what images do not show by what others show there."""
    labels = canvas.labels[::2, ::2]
    base = np.zeros((*labels.shape, 3), np.float32)
    for part in parts:
        cut = _at_half(part.cut)
        cv2.copyTo(part.pixels, (labels[cut] == part.index).astype(np.uint8), base[cut])
    filled = []
    for part in parts:
        cut = _at_half(part.cut)
        missing = ~part.shown & (labels[cut] != UNCOVERED)
        pixels = part.pixels.copy()
        cv2.copyTo(base[cut], missing.astype(np.uint8), pixels)
        filled.append(replace(part, pixels=pixels))
    return filled


def _picture(canvas: _Canvas, labels: LabelMap) -> ByteImage:
    """The panorama, cut from the canvas."""
    shown = canvas.box.clipped(whole(labels.shape[1]))
    cut = shown.slices(whole(labels.shape[1]))
    result = np.zeros((*labels.shape, 3), np.uint8)
    result[cut] = canvas.picture[shown.slices(canvas.box)]
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
    return _Canvas(box, unrolled, np.zeros((*unrolled.shape, 3), np.uint8))


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


def _add(bands: Sequence[Float32Array], mask: ByteImage, part: _Part) -> None:
    """Add the bands of one image, weighted by its blurred label, from half the size on."""
    weights, pixels = _halved(mask.astype(np.float32)), part.pixels
    for level, band in enumerate(bands, start=1):
        target = band[tuple(slice(s.start >> level, s.stop >> level) for s in part.cut)]
        coarser = pixels
        if level < len(bands):
            coarser = _halved(pixels)
            pixels = pixels - _doubled(coarser)
        target += pixels * weights[..., None]
        if level < len(bands):
            weights = _halved(weights)
        pixels = coarser


def _normalise(bands: Sequence[Float32Array], covered: BoolArray) -> None:
    """Divide the bands by the sum of their weights: 1 but near what no image covers."""
    if covered.all():
        return
    weights: Float32Array = covered.astype(np.float32)
    for band in bands:
        weights = _halved(weights)
        band /= np.maximum(weights, _MIN_WEIGHT)[..., None]


def _collapsed(bands: Sequence[Float32Array]) -> Float32Array:
    """Add the bands up, from the coarsest."""
    picture = bands[-1]
    for band in reversed(bands[:-1]):
        picture = _doubled(picture)
        picture += band
    return picture


def _mask(canvas: _Canvas, index: int, cut: tuple[slice, slice]) -> ByteImage:
    """1 where a part of the canvas belongs to an image."""
    return np.asarray(canvas.labels[cut] == index, np.uint8)


def _at_half(cut: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = cut
    return slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)


def _shown_at_half(shown: BoolArray) -> BoolArray:
    """Pixels of half the size for which `_halved` takes none that is not shown."""
    if shown.all():
        return shown[::2, ::2]
    around = cv2.erode(shown.astype(np.uint8), np.ones((_TAPS, _TAPS), np.uint8))
    return np.asarray(around[::2, ::2] > 0, np.bool_)


def _halved(pixels: Float32Array) -> Float32Array:
    return np.asarray(cv2.pyrDown(pixels), np.float32)


def _doubled(pixels: Float32Array) -> Float32Array:
    return np.asarray(cv2.pyrUp(pixels), np.float32)
