"""Even out the exposure of images before they are put side by side.

Each image is first divided by its gain and falloff (`photometric`), which come from matches. An
image without matches (bare sky) keeps a wrong gain, and a lens or a lit lens hood need not
follow the model. What is left is measured where images overlap, matched or not, and taken away
by one smooth field per image and channel: a quadratic of the logarithm, all images at once,
held near zero. Overlapping areas are compared as in Uyttendaele, Eden, Szeliski, *Eliminating
Ghosting and Exposure Artifacts in Image Mosaics*, CVPR 2001, section 4, with one quadratic an
image in place of blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import pi

import cv2
import numpy as np

from tasks.panorama.algorithms.light.photometric import falloff_of
from tasks.panorama.algorithms.light.views import View
from tasks.panorama.types import ByteImage, Float32Array, FloatArray, Photometry

_ROWS_AT_ONCE = 256
CLIPPED = 250.0  # grey levels from which a photo holds no detail
_WHITE_PERCENT = 99.5
_KNEE = 190.0
_SHADE_GRID = 32
_NUM_TERMS = 6  # 1, x, y, x^2, xy, y^2
_LOSS_WIDTH = 0.03  # log ratio beyond which a place counts less: parallax, moving things
_NUM_ITERATIONS = 6
_GAIN_SIGMA = 1.0  # log gain
_SHADE_SIGMA = 0.05  # log gain at the image's border
_PLACES_PER_SIGMA = 25.0  # how many places outweigh the two above


@dataclass(frozen=True)
class _Overlap:
    """Places that two images see.

    Attributes:
        pair: The images.
        terms: (n, 12) terms of the first, then minus those of the second.
        ratios: (n, 3) log ratio of the first over the second.
        areas: (n,) area of each place, 1 at the horizon.
    """

    pair: tuple[int, int]
    terms: FloatArray
    ratios: FloatArray
    areas: FloatArray


def evened(
    image: ByteImage | Float32Array,
    photometry: Photometry,
    index: int,
    shade: FloatArray | None = None,
) -> Float32Array:
    """Divide an image by its gain, falloff and shade.

    Args:
        image: (h, w, 3) BGR, of any size.
        photometry: Of the capture.
        index: Which image of the capture it is.
        shade: (6, 3) as `fit_shades` returns it for the image.

    Returns:
        (h, w, 3) float32; values may exceed 255.
    """
    height_px, width_px = image.shape[:2]
    x = np.arange(width_px, dtype=np.float32) - (width_px - 1) / 2
    y = np.arange(height_px, dtype=np.float32) - (height_px - 1) / 2
    half_diagonal_squared = (width_px**2 + height_px**2) / 4
    result = _shade_factor(shade, photometry.gains[index], width_px, height_px)
    for rows in _strips(height_px):
        factor = result[rows]
        radius_squared = (x[None, :] ** 2 + y[rows, None] ** 2) / np.float32(half_diagonal_squared)
        falloff = falloff_of(photometry, radius_squared).astype(np.float32)
        cv2.divide(factor, cv2.merge([falloff] * 3), dst=factor)
        cv2.multiply(image[rows].astype(np.float32), factor, dst=factor)
    return result


def fit_shades(views: Mapping[int, View], num_images: int) -> FloatArray:
    """Measure how overlapping images still differ in brightness.

    Args:
        views: The images by index, evened, where they go to within a few pixels.
        num_images: Of the capture.

    Returns:
        (num_images, 6, 3) quadratics of log brightness over the image, for `evened`.
    """
    overlaps = list(_overlaps(views))
    shades = np.zeros((num_images, _NUM_TERMS, 3))
    for channel in range(3):
        for _ in range(_NUM_ITERATIONS):
            shades[:, :, channel] = _solve(overlaps, shades[:, :, channel], channel)
    return shades


def white_point(images: Sequence[Float32Array], evened_images: Sequence[Float32Array]) -> float:
    """Value up to which evened images hold detail: 255 or more.

    Args:
        images: One (h, w, 3) image per camera, 0..255; small ones do.
        evened_images: The same, evened.
    """
    brightest = [
        even.max(axis=2)[image.max(axis=2) < CLIPPED]
        for image, even in zip(images, evened_images, strict=True)
    ]
    values = np.concatenate(brightest)
    return max(255.0, float(np.percentile(values, _WHITE_PERCENT))) if len(values) else 255.0


def rolled_off(image: Float32Array, white: float) -> Float32Array:
    """Bring highlights back below 255: a shoulder that ends at the white point.

    The curve of Reinhard, Stark, Shirley, Ferwerda, *Photographic Tone Reproduction for Digital
    Images*, SIGGRAPH 2002, equation 4, above a knee; below it, and where the white point is
    255, nothing changes.

    Args:
        image: (h, w, 3).
        white: What becomes 255.
    """
    if white <= 255.0:
        return image
    height = 255.0 - _KNEE
    end = (white - _KNEE) / height
    result = image.copy()
    for rows in _strips(len(image)):
        bright = image[rows] > _KNEE
        over = (image[rows][bright] - _KNEE) / height
        shoulder = np.minimum(over * (1 + over / end**2) / (1 + over), 1.0)
        result[rows][bright] = _KNEE + height * shoulder
    return result


def _strips(height_px: int) -> Iterator[slice]:
    """Rows of an image strip by strip: what is only on the way takes little memory."""
    for start in range(0, height_px, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, height_px))


def _shade_factor(
    shade: FloatArray | None, gains: FloatArray, width_px: int, height_px: int
) -> Float32Array:
    """What a shade and (3,) gains are divided out with, (height, width, 3)."""
    if shade is None:
        return np.full((height_px, width_px, 3), 1 / gains, np.float32)
    place = (np.arange(_SHADE_GRID) + 0.5) / _SHADE_GRID * 2 - 1
    x, y = np.meshgrid(place, place)
    logs = _terms(np.stack([x, y], axis=2)) @ shade
    small = (np.exp(-logs) / gains).astype(np.float32)
    return np.asarray(cv2.resize(small, (width_px, height_px)), np.float32)


def _terms(places: FloatArray | Float32Array) -> FloatArray:
    """Terms of a quadratic at (…, 2) places in -1..1: (…, 6)."""
    x, y = places[..., 0], places[..., 1]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _overlaps(views: Mapping[int, View]) -> Iterator[_Overlap]:
    for a, b in combinations(views, 2):
        both = views[a].seen & views[b].seen
        if not both.any():
            continue
        both[1::2] = both[:, 1::2] = False  # neighbours say the same
        rows = np.nonzero(both)[0]
        latitude = (0.5 - (rows + 0.5) / len(both)) * pi
        yield _Overlap(
            (a, b),
            np.concatenate(
                [_terms(views[a].places[both]), -_terms(views[b].places[both])], axis=1
            ).astype(float),
            (views[a].logs[both] - views[b].logs[both]).astype(float),
            np.cos(latitude),
        )


def _solve(overlaps: Sequence[_Overlap], shades: FloatArray, channel: int) -> FloatArray:
    """One reweighted least-squares step of all quadratics of a channel: (num_images, 6)."""
    num_images = len(shades)
    normal = np.zeros((num_images, _NUM_TERMS, num_images, _NUM_TERMS))
    right = np.zeros((num_images, _NUM_TERMS))
    for overlap in overlaps:
        pair = list(overlap.pair)
        ratios = overlap.ratios[:, channel]
        off = ratios - overlap.terms @ shades[pair].ravel()
        weighted = overlap.terms * (overlap.areas / (1 + (off / _LOSS_WIDTH) ** 2))[:, None]
        part = (weighted.T @ overlap.terms).reshape(2, _NUM_TERMS, 2, _NUM_TERMS)
        for row, first in enumerate(pair):
            right[first] += (weighted.T @ ratios).reshape(2, _NUM_TERMS)[row]
            for column, second in enumerate(pair):
                normal[first, :, second] += part[row, :, column]
    sigma = np.array([_GAIN_SIGMA] + [_SHADE_SIGMA] * (_NUM_TERMS - 1))
    prior = np.tile(_PLACES_PER_SIGMA * (_LOSS_WIDTH / sigma) ** 2, num_images)
    size = num_images * _NUM_TERMS
    solved = np.linalg.solve(normal.reshape(size, size) + np.diag(prior), right.ravel())
    return np.asarray(solved.reshape(num_images, _NUM_TERMS))
