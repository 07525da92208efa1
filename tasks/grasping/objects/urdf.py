"""A URDF file of one rigid body: what it says of mass, shapes and paint.

All that reads a model reads it here, so that one file means one thing: the checks, the rewriting
and the surrogate. PyBullet has a reader of its own and is given rewritten files alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from xml.etree import ElementTree

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.core.files import read_text
from tasks.grasping.objects.materials import named_file
from tasks.grasping.objects.solids import tensor_of
from tasks.grasping.types import FloatArray

MESH_SUFFIXES = (".obj", ".stl")
Kind = Literal["mesh", "box", "sphere", "cylinder", "capsule"]
Paint = tuple[float, float, float, float]

_SIZES: dict[str, dict[str, int]] = {
    "box": {"size": 3},
    "sphere": {"radius": 1},
    "cylinder": {"radius": 1, "length": 1},
    "capsule": {"radius": 1, "length": 1},
}
_MAX_NUMBERS_CHARS = 400  # that the longest list of numbers takes at most
_MAX_URDF_BYTES = 1_000_000
INERTIA_KEYS = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
"""What a URDF file calls the moments and products of `Link.inertia`."""
MAX_NUMBER = 1e6
"""Of metres, kilograms and scales; beyond, products overflow."""


@dataclass(frozen=True)
class Frame:
    """Where something sits in the link's frame.

    Attributes:
        xyz_m: Its origin, (3,).
        rpy_rad: Roll, pitch and yaw about the link's fixed axes, (3,).
    """

    xyz_m: FloatArray
    rpy_rad: FloatArray

    @property
    def turn(self) -> FloatArray:
        """Rotation into the link's frame, (3, 3)."""
        return np.asarray(Rotation.from_euler("xyz", self.rpy_rad).as_matrix())

    def placed(self, points_m: FloatArray) -> FloatArray:
        """Return points of its own, (n, 3), in the link's frame."""
        return np.asarray(points_m @ self.turn.T + self.xyz_m)


@dataclass(frozen=True)
class Shape:
    """One shape that is seen or collides.

    Attributes:
        kind: What it is.
        size: Edges of a box, radius of a sphere, radius and length of a cylinder or a capsule,
            in metres; scale of a mesh along its axes.
        frame: Where it sits.
        mesh: The file of a mesh.
        rgba: Its colour, each part in [0, 1]; None where the file names none.
        picture: The picture that it is painted with, if the URDF file itself names one.
    """

    kind: Kind
    size: tuple[float, ...]
    frame: Frame
    mesh: Path | None = None
    rgba: Paint | None = None
    picture: Path | None = None


@dataclass(frozen=True)
class Link:
    """A rigid body.

    Attributes:
        mass_kg: Mass.
        inertial: Centre of mass, and the axes that `inertia` is about.
        inertia: Moments xx, yy, zz and products xy, xz, yz, (6,), kg m2; None where the file
            says nothing.
        visuals: What is seen.
        collisions: What collides.
    """

    mass_kg: float
    inertial: Frame
    inertia: FloatArray | None
    visuals: tuple[Shape, ...]
    collisions: tuple[Shape, ...]

    @property
    def tensor_kgm2(self) -> FloatArray:
        """Inertia about the centre of mass along the link's axes, (3, 3); zeros if not given."""
        own = tensor_of(np.zeros(6) if self.inertia is None else self.inertia)
        return np.asarray(self.inertial.turn @ own @ self.inertial.turn.T)


def read_link(path: Path, root: Path | None = None) -> Link:
    """Read a URDF file of one link.

    Args:
        path: The file.
        root: Folder that all it names must lie in; its own if None.

    Raises:
        DataError: It is no URDF file of one link with a mass, a shape to see and one that
            collides, or names a file that isn't there. The message names the file.
    """
    robot, link = _only_link(path)
    paints = {each.get("name"): each for each in robot.findall("material")}
    folder = path.parent if root is None else root
    inertial = link.find("inertial")
    found = Link(
        mass_kg=_mass_kg(link, path),
        inertial=_frame(inertial, path),
        inertia=_inertia(link, path),
        visuals=tuple(_shapes(link, "visual", path, folder, paints)),
        collisions=tuple(_shapes(link, "collision", path, folder, paints)),
    )
    if not found.visuals or not found.collisions:
        raise DataError(f"{path}: expected a <visual> and a <collision> shape; add what is missing")
    return found


def _only_link(path: Path) -> tuple[ElementTree.Element, ElementTree.Element]:
    try:
        text = read_text(path, _MAX_URDF_BYTES, "a URDF file")
    except DataError as error:
        what = "is no URDF file" if path.is_file() else "can't read the URDF file"
        raise DataError(f"{path}: {what} ({error}); export it again") from error
    if "<!DOCTYPE" in text:  # entities can be declared nowhere else
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
    return root, links[0]


def _mass_kg(link: ElementTree.Element, path: Path) -> float:
    mass = link.find("inertial/mass")
    value = float(_numbers(mass, "value", 1, path)[0]) if mass is not None else 0.0
    if value <= 0:
        raise DataError(
            f"{path}: expected <inertial> with a <mass> above 0 kg, got "
            f"{'none' if mass is None else f'{value:g}'}; a body without mass would not fall"
        )
    return value


def _inertia(link: ElementTree.Element, path: Path) -> FloatArray | None:
    element = link.find("inertial/inertia")
    if element is None:
        return None
    return np.array([_numbers(element, key, 1, path, default="0")[0] for key in INERTIA_KEYS])


def _frame(element: ElementTree.Element | None, path: Path) -> Frame:
    origin = None if element is None else element.find("origin")
    if origin is None:
        return Frame(np.zeros(3), np.zeros(3))
    return Frame(*(_numbers(origin, key, 3, path, default="0 0 0") for key in ("xyz", "rpy")))


def _shapes(
    link: ElementTree.Element,
    role: str,
    path: Path,
    root: Path,
    paints: dict[str | None, ElementTree.Element],
) -> Iterator[Shape]:
    for element in link.iter(role):
        geometry = element.find("geometry")
        if geometry is None or len(geometry) != 1:
            raise DataError(f"{path}: expected one shape in each <geometry>")
        (shape,) = geometry
        if shape.tag not in get_args(Kind):
            raise DataError(
                f"{path}: unknown shape <{shape.tag}>; expected mesh, box, cylinder, sphere or "
                "capsule"
            )
        kind: Kind = shape.tag  # type: ignore[assignment]
        rgba, picture = _paint(element, path, root, paints)
        size, frame = _size(shape, path), _frame(element, path)
        mesh = _mesh_file(shape, path, root) if kind == "mesh" else None
        yield Shape(kind, size, frame, mesh, rgba, picture)


def _size(shape: ElementTree.Element, path: Path) -> tuple[float, ...]:
    if shape.tag == "mesh":
        scale = _numbers(shape, "scale", 3, path, default="1 1 1")
        if not (scale > 0).all():
            raise DataError(f"{path}: expected a mesh scale above 0, got {scale.tolist()}")
        return tuple(scale.tolist())
    sizes = [_numbers(shape, key, count, path) for key, count in _SIZES[shape.tag].items()]
    size = np.concatenate(sizes)
    if not (size > 0).all():
        raise DataError(f"{path}: expected a <{shape.tag}> larger than 0 m")
    return tuple(size.tolist())


def _mesh_file(shape: ElementTree.Element, urdf: Path, root: Path) -> Path:
    path = named_file(shape.get("filename", ""), urdf, root, "mesh")
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise DataError(
            f"{urdf}: its mesh {path} is no {' or '.join(MESH_SUFFIXES)}: expected a mesh of "
            f"{', '.join(MESH_SUFFIXES)}; convert it"
        )
    return path


def _paint(
    element: ElementTree.Element,
    path: Path,
    root: Path,
    paints: dict[str | None, ElementTree.Element],
) -> tuple[Paint | None, Path | None]:
    """Colour and picture of a shape, which may be declared for all shapes of the file."""
    own = element.find("material")
    if own is None:
        return None, None
    declared = paints.get(own.get("name"))
    color, texture = (
        own.find(tag) if own.find(tag) is not None or declared is None else declared.find(tag)
        for tag in ("color", "texture")
    )
    rgba = None
    if color is not None:
        red, green, blue, alpha = np.clip(_numbers(color, "rgba", 4, path), 0, 1).tolist()
        rgba = (red, green, blue, alpha)
    name = "" if texture is None else texture.get("filename", "")
    return rgba, named_file(name, path, root, "picture") if name else None


def _numbers(
    element: ElementTree.Element, key: str, count: int, path: Path, default: str = ""
) -> FloatArray:
    text = element.get(key, default)
    try:
        values = [float(each) for each in text[:_MAX_NUMBERS_CHARS].split()]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(each) < MAX_NUMBER for each in values):
        raise DataError(
            f"{path}: expected {count} numbers in {key!r} of <{element.tag}>, got "
            f"{text[:_MAX_NUMBERS_CHARS]!r}"
        )
    return np.array(values)
