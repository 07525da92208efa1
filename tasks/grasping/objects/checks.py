"""Whether an object's model can be simulated: its URDF file and its meshes.

What is asked: one rigid body (one link) with a mass and with shapes to collide and to be seen;
meshes (OBJ or STL) that can be read; a size that fits into the bin.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from tasks.core.errors import DataError
from tasks.core.files import read_text
from tasks.grasping.objects.materials import MAX_FILE_BYTES, check_materials, named_file
from tasks.grasping.types import FloatArray, ObjectModel
from tasks.grasping.workspace import BIN_INNER_M

MESH_SUFFIXES = (".obj", ".stl")
_MAX_NUMBERS_CHARS = 400  # that three numbers take at most
_MAX_URDF_BYTES = 1_000_000
_MAX_NUMBER = 1e6  # of metres, kilograms and scales; beyond, products overflow


@dataclass(frozen=True)
class ModelFacts:
    """What a model's files say.

    Attributes:
        mass_kg: Mass.
        reach_m: Greatest distance of a point from the origin of the body.
        extent_m: Lengths of the box around the body along its own axes, longest first.
    """

    mass_kg: float
    reach_m: float
    extent_m: tuple[float, float, float]


def check_model(model: ObjectModel) -> None:
    """Make sure that an object can be thrown into the bin.

    Raises:
        DataError: Its URDF or one of its meshes can't be read or is broken, it is no single
            rigid body with a mass, or it doesn't fit. The message names the file.
    """
    path = Path(model.path)
    depth = max(0, len(PurePosixPath(model.object_id).parts) - 2)  # without family and name
    facts = model_facts(model.path, str(path.parents[depth]))
    if facts.extent_m[0] > min(BIN_INNER_M):
        raise DataError(
            f"object {model.object_id}, {model.path}: it is {facts.extent_m[0]:.3g} m long, the "
            f"bin {min(BIN_INNER_M):g} m; give its meshes a smaller scale (URDF is in metres)"
        )


@functools.lru_cache(maxsize=4096)
def model_facts(path: str, root: str = "") -> ModelFacts:
    """Read a model's URDF file and its meshes.

    Args:
        path: The URDF file.
        root: Folder that all it names must lie in; its own if empty.

    Raises:
        DataError: As `check_model`, but for the size.
    """
    link = _only_link(Path(path))
    folder = Path(root) if root else Path(path).parent
    mass_kg = _mass_kg(link, path)
    points_m = [
        _points_m(shape, Path(path), folder)
        for kind in ("visual", "collision")
        for shape in link.iter(kind)
    ]
    if link.find("collision") is None or link.find("visual") is None:
        raise DataError(f"{path}: expected a <visual> and a <collision> shape; add what is missing")
    corners_m = np.concatenate(points_m)
    longest = sorted((float(each) for each in np.ptp(corners_m, axis=0)), reverse=True)
    return ModelFacts(
        mass_kg=mass_kg,
        reach_m=float(np.linalg.norm(corners_m, axis=1).max()),
        extent_m=(longest[0], longest[1], longest[2]),
    )


def _only_link(path: Path) -> ElementTree.Element:
    try:
        text = read_text(path, _MAX_URDF_BYTES, "a URDF file")
    except DataError as error:
        what = "is no URDF file" if path.is_file() else "can't read the URDF file"
        raise DataError(f"{path}: {what} ({error}); export it again") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path}: a URDF file needs no document type or entities; remove them")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (entities are refused above)
    except (ElementTree.ParseError, ValueError) as error:  # ValueError: an unknown encoding
        raise DataError(f"{path} is no valid XML: {error}; export it again") from error
    links = root.findall("link")
    if root.tag != "robot" or len(links) != 1:
        raise DataError(
            f"{path}: expected a <robot> of one rigid <link>, got <{root.tag}> with {len(links)}; "
            "merge the links into one"
        )
    return links[0]


def _mass_kg(link: ElementTree.Element, path: str) -> float:
    mass = link.find("inertial/mass")
    value = _numbers(mass, "value", 1, path)[0] if mass is not None else 0.0
    if value <= 0:
        raise DataError(
            f"{path}: expected <inertial> with a <mass> above 0 kg, got "
            f"{'none' if mass is None else f'{value:g}'}; a body without mass would not fall"
        )
    return value


def _points_m(shape: ElementTree.Element, path: Path, root: Path) -> FloatArray:
    """Points of a shape in the body's frame, (n, 3); corners of its box for a primitive."""
    origin = shape.find("origin")
    shift_m, turn = np.zeros(3), np.eye(3)
    if origin is not None:
        shift_m = _numbers(origin, "xyz", 3, str(path), default="0 0 0")
        turn = _from_rpy(*_numbers(origin, "rpy", 3, str(path), default="0 0 0"))
    geometry = shape.find("geometry")
    if geometry is None or len(geometry) != 1:
        raise DataError(f"{path}: expected one shape in each <geometry>")
    return np.asarray(_geometry_points_m(geometry[0], path, root) @ turn.T + shift_m)


def _geometry_points_m(shape: ElementTree.Element, path: Path, root: Path) -> FloatArray:
    where = str(path)
    if shape.tag == "mesh":
        scale = _numbers(shape, "scale", 3, where, default="1 1 1")
        if not (scale > 0).all():
            raise DataError(f"{path}: expected a mesh scale above 0, got {scale.tolist()}")
        return _mesh_points(path, shape.get("filename", ""), root) * scale
    if shape.tag == "box":
        half_m = _numbers(shape, "size", 3, where) / 2
    elif shape.tag == "sphere":
        half_m = np.full(3, _numbers(shape, "radius", 1, where)[0])
    elif shape.tag in ("cylinder", "capsule"):
        radius_m, length_m = (_numbers(shape, key, 1, where)[0] for key in ("radius", "length"))
        cap_m = radius_m if shape.tag == "capsule" else 0.0
        half_m = np.array([radius_m, radius_m, length_m / 2 + cap_m])
    else:
        raise DataError(
            f"{path}: unknown shape <{shape.tag}>; expected mesh, box, cylinder, sphere or capsule"
        )
    if not (half_m > 0).all():
        raise DataError(f"{path}: expected a <{shape.tag}> larger than 0 m")
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(signs * half_m)


def _mesh_points(urdf: Path, name: str, root: Path) -> FloatArray:
    """Vertices of a mesh that a URDF file names, (n, 3)."""
    path = named_file(name, urdf, root, "mesh")
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise DataError(f"{path}: expected a mesh of {', '.join(MESH_SUFFIXES)}; convert it")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise DataError(
            f"{path} (named in {urdf}): expected a mesh of at most {MAX_FILE_BYTES:,} bytes, got "
            f"{path.stat().st_size:,}; simplify it"
        )
    try:
        check_materials(path, root)
    except DataError as error:
        raise DataError(f"{path} (named in {urdf}): {error}") from error
    vertices, num_faces = _read_mesh(path)
    if not num_faces or not len(vertices):
        raise DataError(f"{path} (named in {urdf}) has no faces; export it again")
    if not np.isfinite(vertices).all():
        raise DataError(f"{path} (named in {urdf}) has vertices that are no numbers; repair it")
    if np.abs(vertices).max() > _MAX_NUMBER:
        raise DataError(
            f"{path} (named in {urdf}) has vertices beyond {_MAX_NUMBER:,.0f}; repair it"
        )
    return vertices


def _read_mesh(path: Path) -> tuple[FloatArray, int]:
    import trimesh  # half a second that only checks need

    try:
        mesh: Any = trimesh.load(str(path), force="mesh", process=False, skip_materials=True)
        return np.asarray(mesh.vertices, np.float64), len(mesh.faces)
    except Exception as error:  # the reader raises whatever a bad file makes it stumble over
        raise DataError(f"{path} is no readable mesh: {error}; export it again") from error


def _numbers(
    element: ElementTree.Element, key: str, count: int, path: str, default: str = ""
) -> FloatArray:
    text = element.get(key, default)
    try:
        values = [float(each) for each in text[:_MAX_NUMBERS_CHARS].split()]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(each) < _MAX_NUMBER for each in values):
        raise DataError(
            f"{path}: expected {count} numbers in {key!r} of <{element.tag}>, got "
            f"{text[:_MAX_NUMBERS_CHARS]!r}"
        )
    return np.array(values)


def _from_rpy(roll_rad: float, pitch_rad: float, yaw_rad: float) -> FloatArray:
    """Rotation of fixed-axis roll, pitch and yaw, as URDF writes it, (3, 3)."""
    (sr, sp, sy), (cr, cp, cy) = (
        f(np.array([roll_rad, pitch_rad, yaw_rad])) for f in (np.sin, np.cos)
    )
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )
