"""Surfaces of the surrogate's things, and how textures lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import trimesh

from tasks.grasping.types import FloatArray, SurfaceLook

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Surface:
    """A surface: vertices in metres, (n, 3), and triangles, (m, 3)."""

    vertices_m: FloatArray
    faces: IntArray

    def moved(self, shift_m: FloatArray | Sequence[float]) -> Surface:
        """Return the surface somewhere else."""
        return Surface(self.vertices_m + np.asarray(shift_m), self.faces)


def of_mesh(mesh: Any) -> Surface:
    """Return a trimesh's surface."""
    return Surface(np.array(mesh.vertices, dtype=float), np.array(mesh.faces, dtype=np.int64))


def box(half_m: FloatArray | Sequence[float]) -> Surface:
    """Make a box about the origin."""
    return of_mesh(trimesh.creation.box(2 * np.asarray(half_m)))


def tube(radius_m: float, low_m: float, high_m: float) -> Surface:
    """Make a cylinder along z."""
    mesh = trimesh.creation.cylinder(radius_m, high_m - low_m, sections=24)
    return of_mesh(mesh).moved([0.0, 0.0, (low_m + high_m) / 2])


def ball(radius_m: float) -> Surface:
    """Make a sphere about the origin."""
    return of_mesh(trimesh.creation.icosphere(2, radius_m))


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Make one surface of several: each thing that is drawn costs its own round trip."""
    starts = np.cumsum([0, *(len(each.vertices_m) for each in surfaces)])
    return Surface(
        np.concatenate([each.vertices_m for each in surfaces]),
        np.concatenate([each.faces + at for each, at in zip(surfaces, starts, strict=False)]),
    )


def texture_coordinates(surface: Surface, look: SurfaceLook) -> FloatArray:
    """Project each triangle along the axis it faces most; (3 * num_faces, 2), in repeats."""
    corners_m = surface.vertices_m[surface.faces]
    a, b = corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0]
    normals = a[:, [1, 2, 0]] * b[:, [2, 0, 1]] - a[:, [2, 0, 1]] * b[:, [1, 2, 0]]
    facing = np.argmax(np.abs(normals), axis=1)
    axes = np.array([[1, 2], [2, 0], [0, 1]])[facing]
    plane_m = np.take_along_axis(corners_m, axes[:, None, :].repeat(3, axis=1), axis=2)
    cos, sin = np.cos(look.turn_rad), np.sin(look.turn_rad)
    turned_m = plane_m.reshape(-1, 2) @ np.array([[cos, sin], [-sin, cos]])
    repeats: FloatArray = turned_m / look.scale_m + look.shift
    return repeats
