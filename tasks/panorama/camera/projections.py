"""Projections of lenses: from directions to an ideal image plane, before distortion.

Lengths on the plane are in units of the focal length. A *radial* projection keeps the direction
around the axis and makes of the angle off it, theta, a radius: ``tan theta`` (rectilinear),
``theta`` (equidistant), ``2 tan(theta / 2)`` (stereographic), ``sin theta`` (orthographic),
``2 sin(theta / 2)`` (equisolid) and ``1.47 sin(0.713 theta)`` (Thoby's fit to the Nikkor 10.5 mm).
A scanning camera's picture is *cylindrical*: longitude, tangent of the latitude; a sphere's is
*equirectangular*: longitude, latitude.

Sources: W. Smith, "Modern Optical Engineering" (2008), fisheye mappings; M. Thoby, "Fisheye Lens
Projections"; Panorama Tools, ``math.c``, for the names and constants that Hugin uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, pi

import numpy as np

from tasks.panorama.types import BoolArray, FloatArray

_THOBY_LENGTH, _THOBY_ANGLE = 1.47, 0.713
_EDGE = 1e-9  # a radius must end before its mapping turns back, or two directions share a place

Curve = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Projection:
    """A projection.

    Attributes:
        name: What it is called.
        radius: Radius of angles off the axis; None where it is not radial.
        angle: Its inverse.
        max_angle: Angle up to which the radius grows, rad.
    """

    name: str
    radius: Curve | None = None
    angle: Curve | None = None
    max_angle: float = pi

    @property
    def max_radius(self) -> float:
        """Radius at the largest angle; infinite where it is not radial, or has no end."""
        if self.radius is None or self.name in ("rectilinear", "stereographic"):
            return inf
        return float(self.radius(np.array(self.max_angle)))

    def to_plane(self, directions: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Map directions, (n, 3) in the camera frame, to the plane.

        Returns:
            (n, 2) places, 0 where there is none; (n,) whether there is one.
        """
        x, y, z = directions[:, 0], directions[:, 1], directions[:, 2]
        if self.radius is None:
            return self._unrolled(x, y, z)
        sideways = np.hypot(x, y)
        if self.name == "rectilinear":  # without the detour over the angle
            known = z > 0
            with np.errstate(over="ignore"):
                radius = sideways / np.where(known, np.maximum(z, 1e-12 * sideways), 1.0)
        else:
            angle = np.arctan2(sideways, z)
            known = ((sideways > 0) | (z > 0)) & (angle <= self.max_angle)
            radius = self.radius(np.where(known, angle, 0.0))
        away = np.where(sideways > 0, sideways, 1.0)
        plane = np.stack([x / away, y / away], axis=1) * np.where(known, radius, 0.0)[:, None]
        return plane, known

    def to_directions(self, plane: FloatArray) -> FloatArray:
        """Map places on the plane, (n, 2), to unit vectors in the camera frame, (n, 3)."""
        if self.angle is None:
            return self._rolled(plane)
        radius = np.hypot(plane[:, 0], plane[:, 1])
        if self.name == "rectilinear":
            length = np.sqrt(1.0 + radius**2)
            return np.column_stack([plane, np.ones(len(plane))]) / length[:, None]
        angle = self.angle(radius)
        # sin(angle) / radius, which is 1 in the middle; sinc keeps equidistant lenses exact there.
        away = np.where(radius > 0, radius, 1.0)
        sideways = np.where(radius > 0, np.sinc(angle / pi) * angle / away, 1.0)
        return np.column_stack([plane * sideways[:, None], np.cos(angle)])

    def _unrolled(
        self, x: FloatArray, y: FloatArray, z: FloatArray
    ) -> tuple[FloatArray, BoolArray]:
        level = np.hypot(x, z)
        known = level > 0 if self.name == "cylindrical" else (level > 0) | (y != 0)
        if self.name == "cylindrical":
            up = y / np.where(known, np.maximum(level, 1e-12 * np.abs(y)), 1.0)
        else:
            up = np.arctan2(y, level)
        return np.stack([np.arctan2(x, z), up], axis=1) * known[:, None], known

    def _rolled(self, plane: FloatArray) -> FloatArray:
        longitude = np.clip(plane[:, 0], -pi, pi)
        if self.name == "cylindrical":
            latitude = np.arctan(plane[:, 1])
        else:
            latitude = np.clip(plane[:, 1], -pi / 2, pi / 2)
        level = np.cos(latitude)
        parts = (level * np.sin(longitude), np.sin(latitude), level * np.cos(longitude))
        return np.column_stack(parts)


def _same(values: FloatArray) -> FloatArray:
    return values


def _arcsin(values: FloatArray) -> FloatArray:
    return np.asarray(np.arcsin(np.clip(values, -1.0, 1.0)))


RECTILINEAR = Projection("rectilinear", np.tan, np.arctan, pi / 2)
EQUIDISTANT = Projection("equidistant", _same, _same)
STEREOGRAPHIC = Projection(
    "stereographic",
    lambda angle: 2 * np.tan(angle / 2),
    lambda radius: 2 * np.arctan(radius / 2),
    pi - _EDGE,
)
ORTHOGRAPHIC = Projection("orthographic", np.sin, _arcsin, pi / 2)
EQUISOLID = Projection(
    "equisolid", lambda angle: 2 * np.sin(angle / 2), lambda radius: 2 * _arcsin(radius / 2)
)
THOBY = Projection(
    "Thoby",
    lambda angle: _THOBY_LENGTH * np.sin(_THOBY_ANGLE * angle),
    lambda radius: _arcsin(radius / _THOBY_LENGTH) / _THOBY_ANGLE,
    pi / 2 / _THOBY_ANGLE,
)
CYLINDRICAL = Projection("cylindrical")
EQUIRECTANGULAR = Projection("equirectangular")
