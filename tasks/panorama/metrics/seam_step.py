"""Seam step: how much more brightness jumps across the seams than beside them.

Mean absolute luma difference over 1 px along the seam's normal, at the seam, over the same at
8 and 16 px to both sides; 1 means that the seam can't be told. Blur would win, so sharpness
near the seams is measured beside it: gradient energy against that of the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.metrics.seam_places import (
    UNCOVERED,
    Labels,
    borders,
    interpolate,
    nearest,
    seam_normals,
    wrapped,
)
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray

_BESIDE_PX = (-16.0, -8.0, 8.0, 16.0)
_MARGIN_PX = 24
_SHARPNESS_REACH_PX = 32.0
# The step of an unblended seam is no detail of the sources.
_SEAM_HALF_WIDTH_PX = 2.5
_MIN_SEAM_POINTS = 48
# Darker than any noise: keeps a ratio of flat pictures finite.
_FLAT_GREY = 0.05
_LUMA_OF_BGR = np.array([0.114, 0.587, 0.299], np.float32)


@dataclass(frozen=True)
class Seam:
    """One seam: all borders between two images.

    Attributes:
        image_a: Index of the first image.
        image_b: Index of the second image; a < b.
        num_points: Places at which it was measured.
        ratio: Its seam step ratio.
    """

    image_a: int
    image_b: int
    num_points: int
    ratio: float


@dataclass(frozen=True)
class SeamSteps:
    """Seam steps of a panorama.

    Attributes:
        ratio: Over all seams together.
        num_points: Places at which it was measured.
        seams: Each seam that is long enough to be judged.
    """

    ratio: float
    num_points: int
    seams: tuple[Seam, ...]

    @property
    def worst(self) -> float:
        """Highest ratio of a single seam."""
        return max((seam.ratio for seam in self.seams), default=self.ratio)


def measure_seam_steps(
    panorama: ByteImage, labels: Labels, counted: BoolArray | None = None
) -> SeamSteps:
    """Measure the seams of an equirectangular panorama.

    Args:
        panorama: (h, w, 3) BGR; its left and right borders meet.
        labels: (h, w) index of the image that each pixel belongs to, `UNCOVERED` for none.
        counted: (h, w) pixels that count (not sky); all if None.

    Raises:
        DataError: There is no seam within what counts.
    """
    picture = wrapped(panorama, _MARGIN_PX)
    wrapped_labels = wrapped(labels, _MARGIN_PX)
    wrapped_counted = None if counted is None else wrapped(counted, _MARGIN_PX)
    measured = [
        (pair, _differences(picture, wrapped_labels, wrapped_counted, pair, places))
        for pair, places in borders(wrapped_labels, _MARGIN_PX).items()
    ]
    measured = [(pair, values) for pair, values in measured if len(values)]
    if not measured:
        raise DataError("seam step: expected a seam between covered pixels that count, got none")
    seams = tuple(
        Seam(pair[0], pair[1], len(values), _ratio(values))
        for pair, values in measured
        if len(values) >= _MIN_SEAM_POINTS
    )
    together = np.concatenate([values for _, values in measured])
    return SeamSteps(_ratio(together), len(together), seams)


def seam_sharpness(
    panorama: ByteImage,
    sources: ByteImage,
    labels: Labels,
    counted: BoolArray | None = None,
) -> float:
    """Gradient energy near the seams, over that of the sources.

    Args:
        panorama: (h, w, 3) the picture that is judged.
        sources: (h, w, 3) the same mosaic unblended: each pixel from the image of its label,
            in the panorama's exposure.
        labels: (h, w) label of each pixel, `UNCOVERED` for none.
        counted: (h, w) pixels that count; all if None.

    Raises:
        DataError: There is no seam within what counts.
    """
    wrapped_labels = wrapped(labels, _MARGIN_PX)
    distance = _distance_to_seams(wrapped_labels)[:, _MARGIN_PX:-_MARGIN_PX]
    near = (distance <= _SHARPNESS_REACH_PX) & (distance > _SEAM_HALF_WIDTH_PX)
    near &= _inside(wrapped_labels != UNCOVERED)[:, _MARGIN_PX:-_MARGIN_PX]
    if counted is not None:
        near &= counted
    if not near.any():
        raise DataError("seam sharpness: expected a seam between covered pixels, got none")
    energy, reference = (_gradient_energy(picture)[near].mean() for picture in (panorama, sources))
    return float((energy + _FLAT_GREY) / (reference + _FLAT_GREY))


def luma_of(image: ByteImage | Float32Array) -> Float32Array:
    """Luma (ITU-R BT.601) of a BGR picture, (h, w) float32 0..255."""
    pixels = image.astype(np.float32, copy=False)
    return np.asarray(cv2.transform(pixels, _LUMA_OF_BGR[None]), np.float32)


def _differences(
    picture: ByteImage,
    labels: Labels,
    counted: BoolArray | None,
    pair: tuple[int, int],
    places: FloatArray,
) -> FloatArray:
    """Luma differences, (n, 5): at the seam, then at `_BESIDE_PX`; unusable places dropped."""
    normals, known = seam_normals(labels, pair, places)
    places, normals = places[known], normals[known]
    keep = np.ones(len(places), bool)
    columns = []
    for offset in (0.0, *_BESIDE_PX):
        ends = [places + (offset + half) * normals for half in (-0.5, 0.5)]
        for end in ends:
            keep &= (end[:, 1] >= 0.0) & (end[:, 1] <= picture.shape[0] - 1.0)
            owners = nearest(labels, end)
            # Beside the seam means within its two images, not beyond the next seam.
            keep &= owners == pair[offset > 0] if offset else owners != UNCOVERED
            if counted is not None:
                keep &= nearest(counted, end)
        colours = [interpolate(picture, end) for end in ends]
        columns.append(np.abs((colours[1] - colours[0]) @ _LUMA_OF_BGR))
    return np.stack(columns, axis=1)[keep]


def _ratio(differences: FloatArray) -> float:
    beside = float(differences[:, 1:].mean())
    return (float(differences[:, 0].mean()) + _FLAT_GREY) / (beside + _FLAT_GREY)


def _distance_to_seams(labels: Labels) -> Float32Array:
    is_seam = np.zeros(labels.shape, bool)
    for one, other, marks in (
        (labels[:, :-1], labels[:, 1:], is_seam[:, 1:]),
        (labels[:-1], labels[1:], is_seam[1:]),
    ):
        marks |= (one != other) & (one != UNCOVERED) & (other != UNCOVERED)
    if not is_seam.any():
        return np.full(labels.shape, np.inf, np.float32)
    return np.asarray(
        cv2.distanceTransform((~is_seam).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    )


def _gradient_energy(image: ByteImage) -> Float32Array:
    luma = luma_of(image)
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    return np.asarray(across**2 + down**2)


def _inside(mask: BoolArray) -> BoolArray:
    """Pixels whose 3 x 3 neighbourhood lies within a mask."""
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
