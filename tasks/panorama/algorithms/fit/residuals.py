"""How far apart the two pixels of a match land on the panorama, and how that changes.

The unit is the panorama pixel of a 4096 px wide picture: an angle of 2 pi / 4096. Residuals
lie in the tangent plane at the middle of the two directions, as in Brown & Lowe, "Automatic
Panoramic Image Stitching using Invariant Features" (IJCV 2007), section 4, but on the sphere
and not in an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from tasks.panorama.camera.camera import directions_of, rays
from tasks.panorama.metrics.misalignment import FIGURE_WIDTH_PX
from tasks.panorama.types import Alignment, Correspondences, FloatArray, Rig

PX_PER_RAD = FIGURE_WIDTH_PX / (2 * pi)

_HALF_STEP_PX = 0.5


@dataclass(frozen=True)
class LinearResiduals:
    """Residuals of matches as a linear function of how both of their pixels move.

    ``residual = constant + slope_a @ move_a - slope_b @ move_b``, moves in source px.

    Attributes:
        constant_px: (n, 2).
        slope_a: (n, 2, 2), panorama px per source px.
        slope_b: (n, 2, 2).
    """

    constant_px: FloatArray
    slope_a: FloatArray
    slope_b: FloatArray


def matched_directions(
    alignment: Alignment, matches: Correspondences
) -> tuple[FloatArray, FloatArray]:
    """Directions of both pixels of each match: two (n, 3) arrays of unit vectors."""
    a, b = np.empty((len(matches), 3)), np.empty((len(matches), 3))
    for image in range(len(alignment.rig.cameras)):
        for result, images, points in (
            (a, matches.image_a, matches.points_a_px),
            (b, matches.image_b, matches.points_b_px),
        ):
            chosen = images == image
            result[chosen] = directions_of(alignment, image, points[chosen])
    return a, b


def linearise(alignment: Alignment, matches: Correspondences) -> LinearResiduals:
    """Expand the residuals of matches around an alignment.

    Args:
        alignment: Where the expansion stands; moves count from there.
        matches: n matches.

    Returns:
        The linear residuals.
    """
    a, b = matched_directions(alignment, matches)
    plane = tangent_planes(a + b) * PX_PER_RAD
    constant = np.einsum("nij,nj->ni", plane, a - b)
    slope_a = _slopes(alignment, matches.image_a, matches.points_a_px)
    slope_b = _slopes(alignment, matches.image_b, matches.points_b_px)
    return LinearResiduals(constant, plane @ slope_a, plane @ slope_b)


def tangent_planes(directions: FloatArray) -> FloatArray:
    """Two orthonormal vectors across each direction: (n, 3) of any length -> (n, 2, 3)."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    helper = np.zeros_like(unit)
    helper[np.arange(len(unit)), np.argmin(np.abs(unit), axis=1)] = 1.0
    first = np.cross(unit, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(unit, first)], axis=1)


def panorama_px_per_source_px(rig: Rig, image: int) -> float:
    """Panorama pixels that one pixel in the middle of an image spans."""
    camera = rig.cameras[image]
    middle = np.array([[(camera.width_px - 1) / 2, (camera.height_px - 1) / 2]])
    step = np.array([[_HALF_STEP_PX, 0.0]])
    ends = rays(camera, np.concatenate([middle - step, middle + step]))
    return float(np.linalg.norm(ends[1] - ends[0]) * PX_PER_RAD)


def _slopes(alignment: Alignment, images: np.ndarray, points_px: FloatArray) -> FloatArray:
    """Derivative of the warped direction by a move of the warped pixel: (n, 3, 2)."""
    result = np.empty((len(points_px), 3, 2))
    for image, camera in enumerate(alignment.rig.cameras):
        chosen = images == image
        points = points_px[chosen]
        field = alignment.fields[image]
        if field is not None:
            points = points + field.sample(points)
        for axis in range(2):
            step = np.zeros(2)
            step[axis] = _HALF_STEP_PX
            result[chosen, :, axis] = rays(camera, points + step) - rays(camera, points - step)
    return result
