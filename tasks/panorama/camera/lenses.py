"""Lens models: from directions to places in units of the focal length, and back.

A model is a projection (`projections`) and a polynomial of the radius on its plane, ``m = g(rho)``.
OPENCV adds a tangential part. A model is used up to the first radius at which ``g`` stops growing:
beyond it two directions would share a pixel.

Sources: OpenCV, "Camera Calibration and 3D Reconstruction" (PINHOLE, OPENCV) and "Fisheye
camera model" (OPENCV_FISHEYE); H. Dersch, "Panorama Tools", lens correction polynomial over
the half shorter side with ``d = 1 - a - b - c`` (HUGIN and all that begin so).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np
from numpy.polynomial import polynomial

from tasks.panorama.camera import projections
from tasks.panorama.camera.projections import Projection
from tasks.panorama.types import BoolArray, Camera, CameraModel, FloatArray

PROJECTIONS: dict[CameraModel, Projection] = {
    "PINHOLE": projections.RECTILINEAR,
    "OPENCV": projections.RECTILINEAR,
    "OPENCV_FISHEYE": projections.EQUIDISTANT,
    "HUGIN": projections.RECTILINEAR,
    "HUGIN_FISHEYE": projections.EQUIDISTANT,
    "HUGIN_STEREOGRAPHIC": projections.STEREOGRAPHIC,
    "HUGIN_ORTHOGRAPHIC": projections.ORTHOGRAPHIC,
    "HUGIN_EQUISOLID": projections.EQUISOLID,
    "HUGIN_THOBY": projections.THOBY,
    "HUGIN_CYLINDRICAL": projections.CYLINDRICAL,
    "HUGIN_EQUIRECTANGULAR": projections.EQUIRECTANGULAR,
}
NUM_PARAMS: dict[CameraModel, int] = dict.fromkeys(PROJECTIONS, 7) | {
    "PINHOLE": 4,
    "OPENCV": 8,
    "OPENCV_FISHEYE": 8,
}
_TABLE_SIZE = 1025
_NEWTON_STEPS_RADIAL = 3
_NEWTON_STEPS_TANGENTIAL = 6
_IMAGINARY_TOLERANCE = 1e-9
_NEGLIGIBLE = 1e-12  # A coefficient that moves no pixel; roots of it would overflow.


@dataclass(frozen=True)
class Lens:
    """A lens model in units of the focal length.

    Attributes:
        projection: From directions to the plane.
        profile: Coefficients of ``g``, constant term first.
        tangential: ``(p1, p2)`` of OPENCV, else zeros.
        max_radius: Radius up to which ``g`` grows.
    """

    projection: Projection
    profile: tuple[float, ...]
    tangential: tuple[float, float]
    max_radius: float


def lens_of(camera: Camera) -> Lens:
    """Return the lens model of a camera."""
    scale = float(np.sqrt(camera.params[0] * camera.params[1]))
    half_side = 0.5 * min(camera.width_px, camera.height_px)
    return _lens(camera.model, camera.params[4:], scale / half_side)


def distort(lens: Lens, directions: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Map directions to the image plane.

    Args:
        lens: The model.
        directions: (n, 3) in the camera frame, any length.

    Returns:
        (n, 2) points in units of the focal length, zero where the model has no answer, and
        (n,) whether it has one: where the projection has, and within `max_radius`.
    """
    plane, known = lens.projection.to_plane(directions)
    radius = np.hypot(plane[:, 0], plane[:, 1])
    known = known & (radius <= lens.max_radius)
    plane = np.where(known[:, None], plane, 0.0)
    stretch = polynomial.polyval(np.where(known, radius, 0.0), lens.profile[1:])
    points = plane * stretch[:, None]
    if any(lens.tangential):
        points = points + _tangential(lens, plane)
    return points, known


def undistort(lens: Lens, points: FloatArray) -> FloatArray:
    """Map points of the image plane, (n, 2), to unit directions in the camera frame, (n, 3).

    A point outside the model's range gets the direction at the edge of the range.
    """
    plane = _invert_radial(lens, points)
    if any(lens.tangential):
        plane = _invert_tangential(lens, points, plane)
    return lens.projection.to_directions(plane)


@lru_cache(maxsize=256)
def _lens(model: CameraModel, extra: tuple[float, ...], focal_in_half_sides: float) -> Lens:
    tangential = (0.0, 0.0)
    profile: tuple[float, ...] = (0.0, 1.0)
    if model == "OPENCV":
        profile = (0.0, 1.0, 0.0, extra[0], 0.0, extra[1])
        tangential = (extra[2], extra[3])
    elif model == "OPENCV_FISHEYE":
        profile = (0.0, 1.0, 0.0, extra[0], 0.0, extra[1], 0.0, extra[2], 0.0, extra[3])
    elif model != "PINHOLE":
        a, b, c = extra
        s = focal_in_half_sides
        profile = (0.0, 1.0 - a - b - c, c * s, b * s**2, a * s**3)
    projection = PROJECTIONS[model]
    limit = min(_first_turning_point(profile), projection.max_radius)
    return Lens(projection, profile, tangential, limit)


def _first_turning_point(profile: tuple[float, ...]) -> float:
    slope = polynomial.polytrim(polynomial.polyder(profile), _NEGLIGIBLE)
    if len(slope) < 2:
        return inf
    roots = polynomial.polyroots(slope)
    real = roots.real[np.abs(roots.imag) < _IMAGINARY_TOLERANCE * (1.0 + np.abs(roots.real))]
    positive = real[real > 0]
    return float(positive.min()) if positive.size else inf


def _invert_radial(lens: Lens, points: FloatArray) -> FloatArray:
    distorted = np.hypot(points[:, 0], points[:, 1])
    radius = distorted
    if lens.profile != (0.0, 1.0):
        radius = _invert_profile(lens, distorted)
    radius = np.minimum(radius, lens.max_radius)
    return points * (radius / np.where(distorted > 0, distorted, 1.0))[:, None]


def _invert_profile(lens: Lens, distorted: FloatArray) -> FloatArray:
    """Solve ``g(rho) = distorted`` from a table, then by Newton's method within a cell."""
    farthest = float(distorted.max(initial=0.0))
    reach = min(lens.max_radius, max(farthest, 1e-6))
    while reach < lens.max_radius and polynomial.polyval(reach, lens.profile) < farthest:
        reach = min(2.0 * reach, lens.max_radius)
    table = np.linspace(0.0, reach, _TABLE_SIZE)
    start = np.interp(distorted, polynomial.polyval(table, lens.profile), table)
    slope = polynomial.polyder(lens.profile)
    radius, cell = start, reach / (_TABLE_SIZE - 1)
    for _ in range(_NEWTON_STEPS_RADIAL):
        excess = polynomial.polyval(radius, lens.profile) - distorted
        step = excess / np.maximum(polynomial.polyval(radius, slope), 1e-9)
        radius = np.clip(radius - step, start - cell, np.minimum(start + cell, reach))
    return np.maximum(radius, 0.0)


def _tangential(lens: Lens, plane: FloatArray) -> FloatArray:
    p1, p2 = lens.tangential
    x, y = plane[:, 0], plane[:, 1]
    square = x**2 + y**2
    return np.column_stack(
        [
            2 * p1 * x * y + p2 * (square + 2 * x**2),
            p1 * (square + 2 * y**2) + 2 * p2 * x * y,
        ]
    )


def _invert_tangential(lens: Lens, points: FloatArray, start: FloatArray) -> FloatArray:
    """Newton's method in two dimensions; ``start`` ignores the tangential part."""
    p1, p2 = lens.tangential
    slope = polynomial.polyder(lens.profile[1:])
    plane = start
    for _ in range(_NEWTON_STEPS_TANGENTIAL):
        x, y = plane[:, 0], plane[:, 1]
        radius = np.hypot(x, y)
        stretch = polynomial.polyval(radius, lens.profile[1:])
        bend = polynomial.polyval(radius, slope) / np.where(radius > 0, radius, 1.0)
        excess = plane * stretch[:, None] + _tangential(lens, plane) - points
        xx = stretch + bend * x * x + 2 * p1 * y + 6 * p2 * x
        yy = stretch + bend * y * y + 6 * p1 * y + 2 * p2 * x
        xy = bend * x * y + 2 * p1 * x + 2 * p2 * y
        determinant = xx * yy - xy * xy
        safe = np.where(np.abs(determinant) > 1e-9, determinant, 1.0)
        step = np.column_stack(
            [yy * excess[:, 0] - xy * excess[:, 1], xx * excess[:, 1] - xy * excess[:, 0]]
        )
        plane = plane - step / safe[:, None]
    length = np.hypot(plane[:, 0], plane[:, 1])
    shrink = np.minimum(1.0, lens.max_radius / np.where(length > 0, length, 1.0))
    return np.asarray(plane * shrink[:, None])
