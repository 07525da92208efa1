"""Objects of the surrogate world: what a URDF file says collides, as convex pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import trimesh

from tasks.core.errors import DataError
from tasks.grasping.types import FloatArray, ObjectModel
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import Surface, ball, box, joined, of_mesh, tube

_MESH: Final = mujoco.mjtGeom.mjGEOM_MESH


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
        pieces: What collides.
        surface: What is seen: the surfaces of all pieces, in the object's frame.
    """

    mass_kg: float
    pieces: tuple[Piece, ...]
    surface: Surface


def read_body(model: ObjectModel) -> Body:
    """Read an object's mass and convex pieces.

    A mesh file is taken as it is split: each of its objects is one convex piece, so that a
    file that isn't split stands for its convex hull.

    Raises:
        DataError: The URDF or a mesh can't be used; the message names the file.
    """
    try:
        return _read(Path(model.path), Path(model.path).stat().st_mtime_ns)
    except OSError as error:
        raise DataError(f"object {model.object_id}: no file {model.path} ({error})") from error
    except DataError as error:
        raise DataError(f"object {model.object_id}: {error}") from error


@lru_cache(maxsize=1024)
def _read(path: Path, changed_ns: int) -> Body:
    del changed_ns  # only part of the key: a file that was changed is read again
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except ValueError as error:
        raise DataError(f"{path} is no readable URDF: {error}") from error
    if list(spec.joints):
        raise DataError(f"{path} has moving joints; an object must be one rigid body")
    bodies = list(spec.worldbody.bodies)
    mass_kg = sum(float(body.mass) for body in spec.bodies[1:])
    if not mass_kg > 0:
        raise DataError(f"{path} gives a mass of {mass_kg:g} kg; expected more than 0")
    meshes = {mesh.name: mesh for mesh in spec.meshes}
    origin = np.zeros(3), np.array([1.0, 0, 0, 0])
    pieces = tuple(p for body in bodies for p in _pieces(body, *origin, meshes, path))
    if not pieces:
        raise DataError(f"{path} has no collision geometry; nothing could touch the object")
    return Body(mass_kg, pieces, joined([_in_object(piece) for piece in pieces]))


def _pieces(
    body: Any, position_m: FloatArray, turn_wxyz: FloatArray, meshes: dict[str, Any], path: Path
) -> Iterator[Piece]:
    position_m, turn_wxyz = _placed(position_m, turn_wxyz, body.pos, body.quat)
    for geom in body.geoms:
        at_m, turn = _placed(position_m, turn_wxyz, geom.pos, geom.quat)
        size_m = np.array(geom.size, dtype=float)
        for surface in _surfaces(geom, meshes, path):
            yield Piece(geom.type, size_m, at_m, turn, surface)
    for child in body.bodies:
        yield from _pieces(child, position_m, turn_wxyz, meshes, path)


def _placed(
    outer_m: FloatArray, outer_wxyz: FloatArray, inner_m: FloatArray, inner_wxyz: FloatArray
) -> tuple[FloatArray, FloatArray]:
    position_m, turn = np.zeros(3), np.zeros(4)
    mujoco.mju_mulPose(position_m, turn, outer_m, outer_wxyz, inner_m, inner_wxyz)
    return position_m, turn


def _in_object(piece: Piece) -> Surface:
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, piece.quaternion_wxyz)
    turned_m = piece.surface.vertices_m @ rotation.reshape(3, 3).T
    return Surface(turned_m + piece.position_m, piece.surface.faces)


def _surfaces(geom: Any, meshes: dict[str, Any], path: Path) -> list[Surface]:
    kinds, size_m = mujoco.mjtGeom, np.array(geom.size, dtype=float)
    if geom.type == _MESH:
        mesh = meshes[geom.meshname]
        return _read_mesh(path.parent / mesh.file, np.array(mesh.scale), path)
    if geom.type == kinds.mjGEOM_BOX:
        return [box(size_m)]
    if geom.type == kinds.mjGEOM_SPHERE:
        return [ball(size_m[0])]
    if geom.type == kinds.mjGEOM_CYLINDER:
        return [tube(size_m[0], -size_m[1], size_m[1])]
    if geom.type == kinds.mjGEOM_CAPSULE:
        return [of_mesh(trimesh.creation.capsule(2 * size_m[1], size_m[0], count=(16, 16)))]
    raise DataError(f"{path}: geometry {geom.type.name} is not supported")


def _read_mesh(path: Path, scale: FloatArray, urdf: Path) -> list[Surface]:
    try:
        scene = trimesh.load_scene(
            path, split_objects=True, group_material=False, skip_materials=True, process=False
        )
        found = [of_mesh(mesh) for mesh in scene.geometry.values()]
    except Exception as error:  # each format's reader fails in ways of its own
        raise DataError(f"{urdf}: its mesh {path} can't be read: {error}") from error
    if not found or any(len(s.faces) < 4 or not np.isfinite(s.vertices_m).all() for s in found):
        raise DataError(f"{urdf}: its mesh {path} has no closed surface")
    return [_compact(each, scale) for each in found]


def _compact(surface: Surface, scale: FloatArray) -> Surface:
    """Leave out the vertices of the file's other pieces."""
    used = np.unique(surface.faces)
    return Surface(surface.vertices_m[used] * scale, np.searchsorted(used, surface.faces))
