"""Mesh files and the shapes of a URDF file as points and triangles, read by trimesh."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.files import read_bytes
from tasks.grasping.objects import solids
from tasks.grasping.objects.materials import MAX_FILE_BYTES, check_materials
from tasks.grasping.objects.urdf import MAX_NUMBER, Paint, Shape
from tasks.grasping.types import FloatArray
from tasks.intake.images import decode_rgb

IntArray = npt.NDArray[np.int64]

_MAX_PICTURE_PX = 1024


@dataclass(frozen=True)
class Surface:
    """Triangles of one kind.

    Attributes:
        points: Corners, (n, 3), as the file has them; none is unused.
        faces: Triangles, (m, 3), indices of corners.
        uv: Where each corner lies in the picture, (n, 2); None without one.
        rgba: Colour; None where the file names none.
        picture: What it is painted with, PNG; None for nothing.
    """

    points: FloatArray
    faces: IntArray
    uv: FloatArray | None = None
    rgba: Paint | None = None
    picture: bytes | None = None


def read_pieces(path: Path) -> list[Surface]:
    """Read a mesh file by its objects (``o``): those of what collides are convex pieces.

    Raises:
        DataError: It can't be read, has no faces, or has vertices that are no numbers.
    """
    scene = _scene(path, split_objects=True, group_material=False, skip_materials=True)
    return [_surface(mesh) for mesh in scene]


def read_painted(path: Path, root: Path) -> list[Surface]:
    """Read a mesh file by its materials.

    Args:
        path: The file.
        root: Folder that its materials and their pictures must lie in.

    Raises:
        DataError: As `read_pieces`; or a material or a picture lies outside, or is too large.
    """
    check_materials(path, root)
    return [_painted(mesh) for mesh in _scene(path, group_material=True)]


def read_picture(path: Path, max_px: int = _MAX_PICTURE_PX) -> bytes:
    """Read a picture and write it as every engine reads it, as PNG of at most `max_px`.

    Raises:
        DataError: It is no picture, or too large.
    """
    data = read_bytes(path, MAX_FILE_BYTES, "a picture of a model")
    return _png(decode_rgb(data, str(path)), max_px)


def sampled(shape: Shape) -> FloatArray:
    """Points on a shape that MuJoCo and PyBullet know, in the link's frame, (n, 3)."""
    return shape.frame.placed(_sampled(shape))


def _sampled(shape: Shape) -> FloatArray:
    """In its own frame."""
    if shape.kind == "box":
        x_m, y_m, z_m = shape.size
        return solids.box(x_m, y_m, z_m)[0]
    if shape.kind == "sphere":
        return solids.ball(shape.size[0])[0]
    radius_m, length_m = shape.size
    if shape.kind == "cylinder":
        return solids.prism(radius_m, length_m)[0]
    cap = solids.ball(radius_m)[0]
    shift_m = np.array([0, 0, length_m / 2])
    return np.concatenate([cap + shift_m, cap - shift_m])


def volume_m3(surface: Surface) -> float | None:
    """Volume inside a surface, whichever way its triangles are turned; None if it isn't closed."""
    import trimesh

    # Bodies that touch are closed each; triangles of an STL file are, once corners are merged.
    for merges in (False, True):
        mesh: Any = trimesh.Trimesh(surface.points, surface.faces, process=merges)
        if mesh.is_watertight:
            if not mesh.is_winding_consistent:
                trimesh.repair.fix_normals(mesh, multibody=True)  # type: ignore[no-untyped-call]
            return abs(float(mesh.volume))
    return None


def outwards(surface: Surface) -> Surface:
    """Turn the triangles of a closed surface so that they are seen from outside.

    Renderers draw one side of a triangle; those that are turned inwards would be holes.
    """
    import trimesh

    mesh: Any = trimesh.Trimesh(surface.points, surface.faces, process=False)
    mesh.merge_vertices()
    if not mesh.is_watertight or (mesh.is_winding_consistent and mesh.volume > 0):
        return surface
    before = mesh.faces.copy()
    trimesh.repair.fix_normals(mesh, multibody=True)  # type: ignore[no-untyped-call]
    is_turned = (mesh.faces != before).any(axis=1)
    faces = np.where(is_turned[:, None], surface.faces[:, ::-1], surface.faces)
    return replace(surface, faces=faces)


def _scene(path: Path, **options: Any) -> list[Any]:
    import trimesh  # half a second that only those who read meshes need

    if path.stat().st_size > MAX_FILE_BYTES:
        raise DataError(
            f"{path}: expected a mesh of at most {MAX_FILE_BYTES:,} bytes, got "
            f"{path.stat().st_size:,}; simplify it"
        )
    try:
        scene: Any = trimesh.load_scene(str(path), process=False, **options)
        found = [mesh for mesh in scene.geometry.values() if len(getattr(mesh, "faces", ()))]
        _check([(np.asarray(mesh.vertices), np.asarray(mesh.faces)) for mesh in found], path)
    except DataError:
        raise
    except Exception as error:  # the reader raises whatever a bad file makes it stumble over
        raise DataError(f"{path} is no readable mesh: {error}; export it again") from error
    return found


def _check(meshes: list[tuple[FloatArray, IntArray]], path: Path) -> None:
    if not meshes:
        raise DataError(f"{path} has no faces; export it again")
    for points, faces in meshes:
        if faces.min() < 0 or faces.max() >= len(points):
            raise DataError(f"{path} is no readable mesh: a face names a vertex that isn't there")
        if not np.isfinite(points).all():
            raise DataError(f"{path} has vertices that are no numbers; repair it")
        if np.abs(points).max() > MAX_NUMBER:
            raise DataError(f"{path} has vertices beyond {MAX_NUMBER:,.0f}; repair it")


def _surface(mesh: Any, uv: FloatArray | None = None, **paint: Any) -> Surface:
    """Without the vertices of the file's other pieces."""
    used, faces = np.unique(np.asarray(mesh.faces, np.int64), return_inverse=True)
    points = np.asarray(mesh.vertices, np.float64)[used]
    uv = None if uv is None else uv[used]
    return Surface(points, faces.reshape(-1, 3), uv, **paint)


def _painted(mesh: Any) -> Surface:
    material: Any = getattr(mesh.visual, "material", None)
    uv = getattr(mesh.visual, "uv", None)
    # Where a file names no colour or picture, trimesh makes up a dark grey one.
    is_named = "kd" in getattr(material, "kwargs", {})
    colour = np.asarray(material.diffuse, float) / 255 if is_named else None
    rgba = None if colour is None else (*colour[:3].tolist(), float(colour[3]))
    image: Any = getattr(material, "image", None)
    is_painted = "file_path" in getattr(image, "info", {})
    if not is_painted or uv is None or not np.isfinite(uv).all():
        return _surface(mesh, rgba=rgba)
    picture = _png(image.convert("RGB"), _MAX_PICTURE_PX)
    return _surface(mesh, np.asarray(uv, np.float64), rgba=rgba, picture=picture)


def _png(image: Any, max_px: int) -> bytes:
    image.thumbnail((max_px, max_px))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
