"""The robot's meshes, made small enough to draw tens of thousands of times.

TinyRenderer's time grows with the number of triangles, not of pixels, and a picture has fewer
pixels than the arm has triangles. Vertices are merged on a grid, after J. Rossignac and
P. Borrel, "Multi-resolution 3D approximations for rendering complex scenes", in Modeling in
Computer Graphics, 1993, section 3, with the mean of a cell as its representative.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.grasping.types import FloatArray

_HEADER_BYTES: Final = 84
_TRIANGLE: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])

IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """Triangles with one normal per vertex.

    Attributes:
        vertices_m: (n, 3).
        faces: Indices of vertices, (m, 3), counter-clockwise from outside.
        normals: Unit vectors, (n, 3).
    """

    vertices_m: FloatArray
    faces: IndexArray
    normals: FloatArray


def read_stl(path: Path) -> FloatArray:
    """Read a binary STL file.

    Returns:
        Corners of the triangles in metres, (m, 3, 3).

    Raises:
        DataError: The file is no whole binary STL file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected an STL mesh, can't read it: {error}") from error
    num_triangles = int.from_bytes(data[80:_HEADER_BYTES], "little")
    if len(data) != _HEADER_BYTES + num_triangles * _TRIANGLE.itemsize:
        raise DataError(
            f"{path}: expected a binary STL mesh, got {len(data)} bytes that don't fit its header"
        )
    triangles = np.frombuffer(data, _TRIANGLE, offset=_HEADER_BYTES)
    return triangles["corners"].astype(np.float64)


def box_triangles(size_m: FloatArray, centre_m: FloatArray) -> FloatArray:
    """Triangles of an upright box: corners, (12, 3, 3)."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = centre_m + signs * size_m / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return np.array([corners[[a, b, c]] for q in quads for a, b, c in (q[:3], (q[0], *q[2:]))])


def simplify(triangles_m: FloatArray, cell_m: float) -> Mesh:
    """Merge all vertices that share a cell of a cubic grid and drop what collapses.

    Args:
        triangles_m: Corners, (m, 3, 3).
        cell_m: Edge of a cell; 0 merges equal vertices only.
    """
    corners = triangles_m.reshape(-1, 3)
    cells = np.round(corners / (cell_m or 1e-6)).astype(np.int64)
    _, cell_of = np.unique(cells, axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    num_vertices = int(cell_of.max()) + 1
    vertices = _sum_by(cell_of, corners, num_vertices)
    vertices /= np.bincount(cell_of, minlength=num_vertices)[:, None]
    faces = cell_of.reshape(-1, 3)
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (a != c)]
    _, firsts = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return _shaded(vertices, faces[np.sort(firsts)])


def _shaded(vertices: FloatArray, faces: IndexArray) -> Mesh:
    """Give each vertex the mean normal of its triangles, weighted by area."""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    crosses = np.cross(b - a, c - a)
    normals = _sum_by(faces.reshape(-1), np.repeat(crosses, 3, axis=0), len(vertices))
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    normals[lengths[:, 0] == 0, 2] = 1.0
    return Mesh(vertices, faces, normals)


def _sum_by(index: IndexArray, values: FloatArray, num_rows: int) -> FloatArray:
    sums = np.zeros((num_rows, 3))
    np.add.at(sums, index, values)
    return sums
