"""Misalignment: the angle between the directions that two images give one surface point.

In panorama pixels of a picture 4096 wide. For simulated captures the points come from true
depth, for real ones from correspondences that no fit has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import directions_of
from tasks.panorama.types import Alignment, BoolArray, FloatArray, IntArray

FIGURE_WIDTH_PX = 4096


class PointPairs(Protocol):
    """Pixels of two images that show the same point; see `Correspondences`."""

    @property
    def image_a(self) -> IntArray:
        """(n,) index of the first image."""

    @property
    def image_b(self) -> IntArray:
        """(n,) index of the second image."""

    @property
    def points_a_px(self) -> FloatArray:
        """(n, 2)."""

    @property
    def points_b_px(self) -> FloatArray:
        """(n, 2)."""


@dataclass(frozen=True)
class Misalignment:
    """Errors of a set of points, weighted equally.

    Attributes:
        num_points: How many points.
        mean_px: Mean error.
        p95_px: 95th percentile.
    """

    num_points: int
    mean_px: float
    p95_px: float


def measure_misalignment(
    alignment: Alignment, points: PointPairs, counted: BoolArray | None = None
) -> Misalignment:
    """Summarise the misalignment over points.

    Args:
        alignment: The method under test.
        points: Points, the same for every method.
        counted: (n,) which of them count (not sky, held out); all if None.

    Raises:
        DataError: No point counts.
    """
    return summarise(errors_px(alignment, points), counted)


def errors_px(
    alignment: Alignment, points: PointPairs, width_px: int = FIGURE_WIDTH_PX
) -> FloatArray:
    """Angle between the two warped directions of each point, (n,), in panorama pixels."""
    towards_a = _directions(alignment, points.image_a, points.points_a_px)
    towards_b = _directions(alignment, points.image_b, points.points_b_px)
    # The arc tangent keeps its precision at small angles, the arc cosine doesn't.
    across = np.linalg.norm(np.cross(towards_a, towards_b), axis=1)
    along = np.einsum("nk,nk->n", towards_a, towards_b)
    return np.asarray(np.arctan2(across, along) * (width_px / (2 * np.pi)))


def summarise(errors: FloatArray, counted: BoolArray | None = None) -> Misalignment:
    """Summarise errors in px, (n,), over those that count.

    Raises:
        DataError: No point counts.
    """
    chosen = errors if counted is None else errors[counted]
    if not chosen.size:
        raise DataError("misalignment: expected at least one point that counts, got none")
    return Misalignment(
        num_points=int(chosen.size),
        mean_px=float(chosen.mean()),
        p95_px=float(np.percentile(chosen, 95.0)),
    )


def by_pair(
    errors: FloatArray, points: PointPairs, counted: BoolArray | None = None
) -> dict[tuple[int, int], Misalignment]:
    """Summarise errors for each pair of images that has points that count."""
    chosen = np.ones(len(errors), bool) if counted is None else counted
    pairs = np.column_stack([points.image_a, points.image_b])
    found = {(int(a), int(b)) for a, b in np.unique(pairs[chosen], axis=0)}
    return {
        (a, b): summarise(errors, chosen & (pairs[:, 0] == a) & (pairs[:, 1] == b))
        for a, b in sorted(found)
    }


def _directions(alignment: Alignment, images: IntArray, points_px: FloatArray) -> FloatArray:
    directions = np.empty((len(images), 3))
    for image in np.unique(images):
        chosen = images == image
        directions[chosen] = directions_of(alignment, int(image), points_px[chosen])
    return directions
