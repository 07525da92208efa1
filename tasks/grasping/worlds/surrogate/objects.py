"""Objects of the surrogate world: what a URDF file says, as MuJoCo's convex pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.grasping.objects.meshes import read_pieces
from tasks.grasping.objects.solids import body_of
from tasks.grasping.objects.urdf import Link, Shape, read_link
from tasks.grasping.types import FloatArray, ObjectModel
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import Surface, ball, box, joined, of_mesh, tube

_MESH: Final = mujoco.mjtGeom.mjGEOM_MESH
_KINDS: Final = {
    "mesh": _MESH,
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
}


@dataclass(frozen=True)
class Piece:
    """One convex piece of an object.

    Attributes:
        kind: MuJoCo's geometry type, ``mjtGeom``.
        size_m: MuJoCo's size of that type, (3,); unused for a mesh.
        position_m: Where the piece sits in the object's frame, (3,).
        quaternion_wxyz: How it is turned there, (4,).
        surface: Its surface, in its own frame.
    """

    kind: Any
    size_m: FloatArray
    position_m: FloatArray
    quaternion_wxyz: FloatArray
    surface: Surface

    @property
    def is_mesh(self) -> bool:
        """Whether the surface itself collides, rather than a shape that MuJoCo knows."""
        return bool(self.kind == _MESH)


@dataclass(frozen=True)
class Body:
    """A rigid object.

    Attributes:
        mass_kg: Its mass.
        centre_m: Centre of mass in the object's frame, (3,).
        moments_kgm2: Principal moments of inertia about it, (3,).
        axes_wxyz: How the principal axes are turned in the object's frame, (4,).
        pieces: What collides.
        surface: What is seen, in the object's frame.
    """

    mass_kg: float
    centre_m: FloatArray
    moments_kgm2: FloatArray
    axes_wxyz: FloatArray
    pieces: tuple[Piece, ...]
    surface: Surface


def read_body(model: ObjectModel) -> Body:
    """Read an object's mass, convex pieces and surface.

    A mesh file is taken as it is split: each of its objects is one convex piece, so that a
    file that isn't split stands for its convex hull.

    Raises:
        DataError: The URDF or a mesh can't be used; the message names the file.
    """
    path = Path(model.path)
    try:
        return _read(path, path.stat().st_mtime_ns, model.has_true_inertia)
    except OSError as error:
        raise DataError(f"object {model.object_id}: no file {path} ({error})") from error
    except DataError as error:
        raise DataError(f"object {model.object_id}: {error}") from error


@lru_cache(maxsize=1024)
def _read(path: Path, changed_ns: int, has_true_inertia: bool) -> Body:
    del changed_ns  # only part of the key: a file that was changed is read again
    link = read_link(path)
    pieces = tuple(piece for shape in link.collisions for piece in _pieces(shape, path))
    collides = [_in_object(piece) for piece in pieces]
    seen = collides
    if [_looks(each) for each in link.visuals] != [_looks(each) for each in link.collisions]:
        seen = [_in_object(piece) for shape in link.visuals for piece in _pieces(shape, path)]
    tensor = link.tensor_kgm2 if has_true_inertia else _even_tensor(link, collides)
    return Body(link.mass_kg, link.inertial.xyz_m, *_principal(tensor), pieces, joined(seen))


def _looks(shape: Shape) -> tuple[object, ...]:
    frame = shape.frame
    return (shape.kind, shape.size, shape.mesh, *frame.xyz_m.tolist(), *frame.rpy_rad.tolist())


def _even_tensor(link: Link, collides: list[Surface]) -> FloatArray:
    """Inertia of an evenly dense body: the procedural objects' files say 1 kg m2 of 100 g."""
    return link.mass_kg * body_of([each.vertices_m for each in collides]).tensor_per_kg


def _principal(tensor_kgm2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Principal moments, and the rotation of their axes as a quaternion wxyz."""
    moments, axes, turn_wxyz = np.zeros(3), np.zeros(9), np.zeros(4)
    # Unlike LAPACK's, MuJoCo's own is the same to the bit on every processor.
    mujoco.mju_eig3(moments, axes, turn_wxyz, tensor_kgm2.ravel())
    moments[0] = min(moments[0], moments[1] + moments[2])  # but for rounding, see `objects.checks`
    return moments, turn_wxyz


def _pieces(shape: Shape, path: Path) -> Iterator[Piece]:
    turn_wxyz = np.roll(Rotation.from_matrix(shape.frame.turn).as_quat(), 1)
    for surface in _surfaces(shape, path):
        yield Piece(_KINDS[shape.kind], _size_m(shape), shape.frame.xyz_m, turn_wxyz, surface)


def _size_m(shape: Shape) -> FloatArray:
    """MuJoCo's size: half edges, or radius and half length."""
    if shape.kind == "box":
        return np.array(shape.size) / 2
    if shape.kind == "mesh":
        return np.zeros(3)
    radius_m, *length_m = shape.size
    return np.array([radius_m, *(each / 2 for each in length_m), 0.0, 0.0][:3])


def _in_object(piece: Piece) -> Surface:
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, piece.quaternion_wxyz)
    turned_m = piece.surface.vertices_m @ rotation.reshape(3, 3).T
    return Surface(turned_m + piece.position_m, piece.surface.faces)


def _surfaces(shape: Shape, path: Path) -> list[Surface]:
    if shape.mesh is not None:
        try:
            pieces = read_pieces(shape.mesh)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        return [Surface(each.points * np.array(shape.size), each.faces) for each in pieces]
    size_m = _size_m(shape)
    if shape.kind == "box":
        return [box(size_m)]
    if shape.kind == "sphere":
        return [ball(size_m[0])]
    if shape.kind == "cylinder":
        return [tube(size_m[0], -size_m[1], size_m[1])]
    return [of_mesh(trimesh.creation.capsule(2 * size_m[1], size_m[0], count=(16, 16)))]
