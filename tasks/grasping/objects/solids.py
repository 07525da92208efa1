"""Solids put together from convex parts, and files of them.

A part is the hull of its points. Both physics engines take a body as such a union, so that a
bowl is hollow and a mug has a handle.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from tasks.grasping.types import FloatArray

Parts = list[FloatArray]
"""Points of each convex part, (n, 3), metres."""

IndexArray = npt.NDArray[np.intp]

_SIDES = 16


def box(x_m: float, y_m: float, z_m: float) -> Parts:
    """Box about the origin."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return [signs * np.array([x_m, y_m, z_m]) / 2]


def prism(radius_m: float, height_m: float, sides: int = _SIDES) -> Parts:
    """Upright prism over a regular polygon about the origin: a cylinder for many sides."""
    return lathe([(radius_m, -height_m / 2), (radius_m, height_m / 2)], sides)


def lathe(profile_m: Sequence[tuple[float, float]], sides: int = _SIDES) -> Parts:
    """Solid of revolution about z.

    Args:
        profile_m: Radius and z, from the bottom up; each pair of neighbours is one part.
        sides: Corners of the polygon that stands for the circle.
    """
    rings = [_circle(radius_m, z_m, sides) for radius_m, z_m in profile_m]
    return [np.concatenate(pair) for pair in pairwise(rings)]


def ball(radius_m: float, stretch: tuple[float, float, float] = (1, 1, 1)) -> Parts:
    """Ellipsoid about the origin, of one part."""
    heights = np.cos(np.linspace(0, np.pi, 9))
    rings = [
        _circle(radius_m * np.sqrt(max(0.0, 1 - z * z)), radius_m * z, _SIDES) for z in heights
    ]
    return [np.unique(np.concatenate(rings).round(9), axis=0) * np.array(stretch)]


def shell(profile_m: Sequence[tuple[float, float]], wall_m: float, sectors: int = 12) -> Parts:
    """Hollow solid of revolution about z, in sectors; `profile_m` is its outer radius and z."""
    rings = [
        (_circle(r, z, sectors), _circle(max(r - wall_m, 1e-4), z, sectors)) for r, z in profile_m
    ]
    parts = []
    for (outer_a, inner_a), (outer_b, inner_b) in pairwise(rings):
        for k in range(sectors):
            pick = [k, (k + 1) % sectors]
            parts.append(
                np.concatenate([ring[pick] for ring in (outer_a, inner_a, outer_b, inner_b)])
            )
    return parts


def bow(
    radius_m: float,
    thickness_m: float,
    height_m: float,
    from_deg: float,
    to_deg: float,
    num: int = 8,
) -> Parts:
    """Bent bar of rectangular section about z, of `num` parts: a handle, or a ring of 360 deg."""
    angles = np.radians(np.linspace(from_deg, to_deg, num + 1))
    radii = radius_m + np.array([-thickness_m, thickness_m]) / 2
    heights = np.array([-height_m, height_m]) / 2
    ends = [
        np.array([[r * np.cos(a), r * np.sin(a), z] for r in radii for z in heights])
        for a in angles
    ]
    return [np.concatenate(pair) for pair in pairwise(ends)]


def slabs(points_m: FloatArray, axis: int, num: int) -> Parts:
    """Cut a cloud of vertices into `num` slabs across an axis: a rough union of hulls."""
    along = points_m[:, axis]
    cuts = np.linspace(along.min(), along.max(), num + 1)
    overlap_m = (cuts[1] - cuts[0]) / 4
    parts = [
        points_m[(along >= low - overlap_m) & (along <= high + overlap_m)]
        for low, high in pairwise(cuts)
    ]
    return [part for part in parts if _is_solid(part)]


def hull(parts: Parts) -> Parts:
    """Join parts into the convex one around them."""
    return [np.concatenate(parts)]


def at(
    parts: Iterable[FloatArray],
    x_m: float = 0,
    y_m: float = 0,
    z_m: float = 0,
    *,
    axis: str = "z",
    turn_deg: float = 0,
) -> Parts:
    """Turn parts about an axis through the origin, then shift them."""
    turn = Rotation.from_euler(axis, turn_deg, degrees=True)
    return [turn.apply(part) + np.array([x_m, y_m, z_m]) for part in parts]


def read_parts(path: Path, scale: float) -> Parts:
    """Read the parts (``o`` groups) of an OBJ file, or all of its vertices as one part."""
    parts: list[list[list[float]]] = [[]]
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("o "):
            parts.append([])
        elif line.startswith("v "):
            parts[-1].append([float(each) for each in line.split()[1:4]])
    clouds = [np.array(part) * scale for part in parts if part]
    return [cloud for cloud in clouds if _is_solid(cloud)]


@dataclass(frozen=True)
class Body:
    """A weighed solid, its centre of mass at the origin.

    Attributes:
        parts: Of each convex part the corners, (n, 3), metres, and its triangles, (m, 3), indices
            of corners that run counter-clockwise as seen from outside.
        volume_m3: Sum of the parts' volumes.
        inertia_per_kg: Of 1 kg: the moments xx, yy, zz and the products xy, xz, yz, (6,), m^2.
    """

    parts: tuple[tuple[FloatArray, IndexArray], ...]
    volume_m3: float
    inertia_per_kg: FloatArray

    @property
    def tensor_per_kg(self) -> FloatArray:
        """Inertia of 1 kg, (3, 3), m^2."""
        return tensor_of(self.inertia_per_kg)

    @property
    def reach_m(self) -> float:
        """Greatest distance of a point from the origin."""
        return max(float(np.linalg.norm(corners, axis=1).max()) for corners, _ in self.parts)


def body_of(parts: Parts) -> Body:
    """Weigh a solid of even density; where parts overlap, they count twice."""
    hulls = [convex(part) for part in parts]
    # Each part is cut into tetrahedra about its middle, (n, 4, 3).
    corners = np.concatenate(
        [np.insert(points[faces], 0, points.mean(0), axis=1) for points, faces in hulls]
    )
    # Not by LAPACK's determinant, whose last digits are each processor's own.
    a, b, c = (corners[:, 1:] - corners[:, :1]).transpose(1, 0, 2)
    volumes = np.abs((np.cross(a, b) * c).sum(axis=1)) / 6
    total = volumes.sum()
    centre = (corners.mean(1) * volumes[:, None]).sum(0) / total
    corners = corners - centre
    # Of a tetrahedron: V/20 times (sum of the corners' own products + product of their sum).
    sums = corners.sum(1)
    moments = np.einsum("nki,nkj->nij", corners, corners) + np.einsum("ni,nj->nij", sums, sums)
    moment = (moments * volumes[:, None, None] / 20).sum(0) / total
    inertia = np.trace(moment) * np.eye(3) - moment
    xx, yy, zz = np.diag(inertia)
    return Body(
        parts=tuple((points - centre, faces) for points, faces in hulls),
        volume_m3=float(total),
        inertia_per_kg=np.array([xx, yy, zz, inertia[0, 1], inertia[0, 2], inertia[1, 2]]),
    )


def tensor_of(inertia: FloatArray) -> FloatArray:
    """Return the tensor, (3, 3), of the moments xx, yy, zz and the products xy, xz, yz, (6,)."""
    xx, yy, zz, xy, xz, yz = inertia
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def convex(points_m: FloatArray) -> tuple[FloatArray, IndexArray]:
    """Return the corners of a convex hull, (n, 3), and its triangles, (m, 3), turned outwards."""
    hull = ConvexHull(points_m, qhull_options="QJ Pp")
    used, faces = np.unique(hull.simplices, return_inverse=True)
    corners = points_m[used]
    faces = faces.reshape(hull.simplices.shape)
    a, b, c = (corners[faces[:, k]] for k in range(3))
    is_inward = np.einsum("ni,ni->n", np.cross(b - a, c - a), a - corners.mean(0)) < 0
    faces[is_inward] = faces[is_inward][:, ::-1]
    return corners, faces


def obj_text(body: Body) -> str:
    """Write a body as an OBJ file with one ``o`` group for each part."""
    out, first = io.StringIO(), 1
    for number, (corners, faces) in enumerate(body.parts):
        out.write(f"o convex_{number}\n")
        out.writelines(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in corners.tolist())
        out.writelines(f"f {a} {b} {c}\n" for a, b, c in (faces + first).tolist())
        first += len(corners)
    return out.getvalue()


def urdf_text(
    name: str, body: Body, mass_kg: float, rgb: tuple[float, float, float], mesh: str
) -> str:
    """Write a URDF file of one link, which is seen and collides as one mesh file."""
    xx, yy, zz, xy, xz, yz = (f"{each:.4e}" for each in body.inertia_per_kg * mass_kg)
    origin = '<origin xyz="0 0 0" rpy="0 0 0"/>'
    colour = " ".join(f"{each:.3f}" for each in rgb)
    return f"""<?xml version="1.0"?>
<robot name="{name}">
  <link name="{name}">
    <contact>
      <lateral_friction value="1.0"/>
      <rolling_friction value="0.001"/>
      <spinning_friction value="0.001"/>
    </contact>
    <inertial>
      {origin}
      <mass value="{mass_kg:.4f}"/>
      <inertia ixx="{xx}" ixy="{xy}" ixz="{xz}" iyy="{yy}" iyz="{yz}" izz="{zz}"/>
    </inertial>
    <visual>
      {origin}
      <geometry><mesh filename="{mesh}" scale="1 1 1"/></geometry>
      <material name="paint"><color rgba="{colour} 1"/></material>
    </visual>
    <collision>
      {origin}
      <geometry><mesh filename="{mesh}" scale="1 1 1"/></geometry>
    </collision>
  </link>
</robot>
"""


def _circle(radius_m: float, z_m: float, sides: int) -> FloatArray:
    angles = 2 * np.pi * np.arange(sides) / sides
    return np.stack(
        [radius_m * np.cos(angles), radius_m * np.sin(angles), np.full(sides, z_m)], axis=1
    )


def _is_solid(points_m: FloatArray) -> bool:
    if len(points_m) < 4:
        return False
    centred = points_m - points_m.mean(0)
    return bool(np.linalg.svd(centred, compute_uv=False)[-1] > 1e-6)
