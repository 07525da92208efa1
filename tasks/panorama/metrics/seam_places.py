"""Where the seams of a panorama run, and reading pictures beside them."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray

UNCOVERED = -1

ScalarT = TypeVar("ScalarT", bound=np.generic)
Labels = npt.NDArray[np.signedinteger]

_NORMAL_SIGMA_PX = 3.0
_AROUND_PX = 24  # what a normal is read from


def wrapped(image: npt.NDArray[ScalarT], margin_px: int) -> npt.NDArray[ScalarT]:
    """Repeat both ends of a panorama (h, w) beyond the other by a margin."""
    return np.concatenate([image[:, -margin_px:], image, image[:, :margin_px]], axis=1)


def borders(labels: Labels, margin_px: int) -> dict[tuple[int, int], FloatArray]:
    """Find the seams of a panorama, by pair of images.

    Args:
        labels: (h, w) index of the image that each pixel belongs to, `UNCOVERED` for none;
            `wrapped`.
        margin_px: By how much it was wrapped; what lies there isn't counted twice.

    Returns:
        Midpoints (n, 2), (x, y) in wrapped pixels, between neighbours of two images.
    """
    inner = slice(margin_px - 1, -margin_px)
    left, right = labels[:, :-1][:, inner], labels[:, 1:][:, inner]
    upper, lower = labels[:-1, margin_px:-margin_px], labels[1:, margin_px:-margin_px]
    found: dict[tuple[int, int], list[FloatArray]] = {}
    first_column = (margin_px - 1.0, float(margin_px))
    for one, other, shift in (
        (left, right, (first_column[0] + 0.5, 0.0)),
        (upper, lower, (first_column[1], 0.5)),
    ):
        differs = (one != other) & (one != UNCOVERED) & (other != UNCOVERED)
        y, x = np.nonzero(differs)
        places = np.column_stack([x, y]) + shift
        pairs = np.sort(np.column_stack([one[differs], other[differs]]), axis=1)
        for pair in np.unique(pairs, axis=0):
            chosen = (pairs == pair).all(axis=1)
            found.setdefault((int(pair[0]), int(pair[1])), []).append(places[chosen])
    return {pair: np.concatenate(found[pair]) for pair in sorted(found)}


def seam_normals(
    labels: Labels, pair: tuple[int, int], places: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Unit normals of a seam, from its first image to its second, and where one is known.

    Args:
        labels: (h, w) as for `borders`.
        pair: The images.
        places: (n, 2) points of their seam.

    Returns:
        (n, 2), and (n,) whether it is known.
    """
    low = np.maximum(np.floor(places.min(axis=0)).astype(int) - _AROUND_PX, 0)
    high = np.ceil(places.max(axis=0)).astype(int) + _AROUND_PX
    part = labels[low[1] : high[1], low[0] : high[0]]
    side = (part == pair[1]).astype(np.float32) - (part == pair[0]).astype(np.float32)
    smooth = cv2.GaussianBlur(side, (0, 0), _NORMAL_SIGMA_PX)
    slopes = [cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((1, 0), (0, 1))]
    normals = np.stack([interpolate(slope, places - low) for slope in slopes], axis=1)
    length = np.linalg.norm(normals, axis=1)
    known = length > 1e-3
    return normals / np.where(known, length, 1.0)[:, None], known


def nearest(image: npt.NDArray[ScalarT], points: FloatArray) -> npt.NDArray[ScalarT]:
    """Pixels of an image nearest to (n, 2) points; beyond the border it repeats."""
    height, width = image.shape
    x, y = _within(points[:, 0], width - 1), _within(points[:, 1], height - 1)
    return np.asarray(image[np.rint(y).astype(int), np.rint(x).astype(int)])


def interpolate(image: Float32Array | ByteImage, points: FloatArray) -> FloatArray:
    """Bilinear values of an image at (n, 2) points; beyond the border it repeats.

    Args:
        image: (h, w) or (h, w, channels).
        points: (n, 2).

    Returns:
        (n,) or (n, channels).
    """
    height, width = image.shape[:2]
    x, y = _within(points[:, 0], width - 1), _within(points[:, 1], height - 1)
    column = np.minimum(x.astype(int), width - 2)
    row = np.minimum(y.astype(int), height - 2)
    shape = (-1,) + (1,) * (image.ndim - 2)
    right, down = (x - column).reshape(shape), (y - row).reshape(shape)
    upper = image[row, column] * (1 - right) + image[row, column + 1] * right
    lower = image[row + 1, column] * (1 - right) + image[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float64)


def _within(positions: FloatArray, last: int) -> FloatArray:
    """Positions from 0 to the last; of few of them `np.clip` takes several times as long."""
    return np.asarray(np.minimum(np.maximum(positions, 0.0), float(last)))
