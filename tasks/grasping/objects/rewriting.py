"""A user's model, rewritten as every engine reads it.

Engines differ in what they read: PyBullet takes binary STL alone, MuJoCo forgets the folders of
meshes, each has its own way with scales, origins, materials and meshes that aren't convex. So a
model is read once, here, and written in one form: shapes where the link has them, in metres; one
mesh file that collides, with an ``o`` group for each convex piece; one that is seen for each
material, with its picture. What it says of mass and inertia stays as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tasks.core.digests import digest
from tasks.core.errors import DataError
from tasks.grasping.objects.meshes import (
    Surface,
    outwards,
    read_painted,
    read_picture,
    read_pieces,
    sampled,
)
from tasks.grasping.objects.solids import convex
from tasks.grasping.objects.urdf import INERTIA_KEYS, Frame, Link, Shape, read_link
from tasks.grasping.types import FloatArray

URDF = "object.urdf"
"""Name of the rewritten URDF file, in a folder of its own."""
_COLLISION = "collision.obj"
_THIN_M = 1e-5  # a piece that is thinner has no volume that an engine could push against
_WHITE = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Solid:
    """A model as it was read.

    Attributes:
        path: The user's URDF file.
        link: What it says.
        seen: What is seen of its meshes and shapes, in metres in the link's frame.
        pieces: Meshes that collide, as their files are divided, in that frame.
        parts: Points of all that collides, pieces and shapes, (n, 3) each.
        num_flat: Pieces without volume, which are left out.
    """

    path: Path
    link: Link
    seen: tuple[tuple[Shape, Surface | None], ...]
    pieces: tuple[Surface, ...]
    parts: tuple[FloatArray, ...]
    num_flat: int

    @property
    def seen_points_m(self) -> FloatArray:
        """Points of what is seen, (n, 3), in the link's frame."""
        return np.concatenate([_seen_points_m(*each) for each in self.seen])

    @property
    def points_m(self) -> FloatArray:
        """Points of what collides, (n, 3), in the link's frame."""
        return np.concatenate(self.parts)

    @property
    def all_points_m(self) -> FloatArray:
        """Points of what collides and of what is seen, (n, 3), in the link's frame."""
        return np.concatenate([self.points_m, self.seen_points_m])

    @property
    def reach_m(self) -> float:
        """Greatest distance of a point from the centre of mass."""
        return float(np.linalg.norm(self.all_points_m - self.link.inertial.xyz_m, axis=1).max())

    @property
    def extent_m(self) -> tuple[float, float, float]:
        """Lengths of the box around all of it along the link's axes, longest first."""
        a, b, c = sorted(np.ptp(self.all_points_m, axis=0).tolist(), reverse=True)
        return a, b, c

    @property
    def shape_digest(self) -> str:
        """Digest of what it is as a body: mass, inertia and shapes, not names, order or paint.

        It decides the split, so it must be the same for a copy in another format, and with other
        versions of what reads meshes: corners count, to a micrometre, not how they are joined.
        """
        clouds: dict[str, list[FloatArray]] = {}
        for shape, surface in self.seen:
            clouds.setdefault(f"seen {shape.kind}", []).append(_seen_points_m(shape, surface))
        for shape in self.link.collisions:
            if shape.mesh is None:
                clouds.setdefault(f"collides {shape.kind}", []).append(sampled(shape))
        clouds["collides mesh"] = [each.points for each in self.pieces]
        corners = {kind: _cloud_digest(points) for kind, points in clouds.items() if points}
        return digest([_inertial_values(self.link), corners])


def read_solid(path: Path, root: Path) -> Solid:
    """Read a model with all that it names.

    Args:
        path: Its URDF file.
        root: Folder that all it names must lie in.

    Raises:
        DataError: A file can't be read; the message names it.
    """
    link = read_link(path, root)
    try:
        seen = tuple(_seen(link, root))
        pieces = [
            _placed(shape, piece)
            for shape in link.collisions
            if shape.mesh is not None
            for piece in read_pieces(shape.mesh)
        ]
    except DataError as error:
        raise DataError(f"{error} (named in {path})") from error
    solid = tuple(each for each in pieces if thickness_m(each.points) > _THIN_M)
    shapes = [sampled(each) for each in link.collisions if each.mesh is None]
    parts = (*(each.points for each in solid), *shapes)
    if not parts:
        raise DataError(
            f"{path}: what collides is flat, it has no volume; give it a thickness, or a <box> in "
            "<collision>"
        )
    return Solid(path, link, seen, solid, parts, len(pieces) - len(solid))


def rewritten(solid: Solid) -> dict[str, bytes]:
    """Write a model as every engine reads it.

    Returns:
        Its files' content by name: `URDF`, and the meshes and pictures that it names.
    """
    files: dict[str, bytes] = {}
    visuals = [
        _visual(shape, surface, f"visual_{number}", files)
        for number, (shape, surface) in enumerate(solid.seen)
    ]
    collisions = [_shape_text(each) for each in solid.link.collisions if each.mesh is None]
    if solid.pieces:
        hulls = [convex(each.points) for each in solid.pieces]
        files[_COLLISION] = _obj_text([Surface(*hull) for hull in hulls], "piece").encode()
        collisions.append(_mesh_text(_COLLISION))
    shapes = [
        *(f"    <visual>{text}</visual>\n" for text in visuals),
        *(f"    <collision>{text}</collision>\n" for text in collisions),
    ]
    files[URDF] = _urdf_text(solid.link, shapes).encode()
    return files


def thickness_m(points_m: FloatArray) -> float:
    """Length of a cloud of points along the axis in which it is shortest."""
    centred_m = points_m - points_m.mean(0)
    _, axes = np.linalg.eigh(centred_m.T @ centred_m)
    return float(np.ptp(centred_m @ axes, axis=0).min())


def _seen(link: Link, root: Path) -> Iterator[tuple[Shape, Surface | None]]:
    for shape in link.visuals:
        picture = None if shape.picture is None else read_picture(shape.picture)
        if shape.mesh is None:
            yield shape, None
            continue
        for surface in read_painted(shape.mesh, root):
            placed = _placed(shape, outwards(surface))
            if picture is not None and placed.uv is not None:
                placed = replace(placed, picture=picture)
            yield shape, placed


def _seen_points_m(shape: Shape, surface: Surface | None) -> FloatArray:
    return sampled(shape) if surface is None else surface.points


def _placed(shape: Shape, surface: Surface) -> Surface:
    """A mesh in metres in the link's frame."""
    return replace(surface, points=shape.frame.placed(surface.points * np.array(shape.size)))


def _cloud_digest(clouds: Sequence[FloatArray]) -> str:
    micrometres = np.round(np.concatenate(clouds) * 1e6).astype(np.int64)
    return hashlib.sha256(np.unique(micrometres, axis=0).tobytes()).hexdigest()


def _inertial_values(link: Link) -> list[str]:
    """To six digits of the greatest: turning a tensor leaves noise in the last ones."""
    tensor = link.tensor_kgm2
    least = max(float(np.abs(tensor).max()), 1e-12) * 1e-6
    values = [np.array([link.mass_kg]), link.inertial.xyz_m, np.round(tensor / least) * least]
    return [f"{each + 0.0:.5e}" for each in np.concatenate([v.ravel() for v in values])]


def _visual(shape: Shape, surface: Surface | None, name: str, files: dict[str, bytes]) -> str:
    rgba = shape.rgba or (surface.rgba if surface else None) or _WHITE
    colour = " ".join(f"{each:g}" for each in rgba)
    paint = f'<material name="{name}"><color rgba="{colour}"/></material>'
    if surface is None:
        return _shape_text(shape) + paint
    head = ""
    if surface.picture is not None:
        files[f"{name}.png"] = surface.picture
        files[f"{name}.mtl"] = f"newmtl {name}\nKd 1 1 1\nmap_Kd {name}.png\n".encode()
        head = f"mtllib {name}.mtl\nusemtl {name}\n"
    files[f"{name}.obj"] = (head + _obj_text([surface], "seen")).encode()
    return _mesh_text(f"{name}.obj") + paint


def _mesh_text(name: str) -> str:
    return f'<geometry><mesh filename="{name}"/></geometry>'


def _shape_text(shape: Shape) -> str:
    if shape.kind == "box":
        size = f'size="{_texts(shape.size)}"'
    elif shape.kind == "sphere":
        size = f'radius="{shape.size[0]!r}"'
    else:
        size = f'radius="{shape.size[0]!r}" length="{shape.size[1]!r}"'
    return f"{_origin_text(shape.frame)}<geometry><{shape.kind} {size}/></geometry>"


def _origin_text(frame: Frame) -> str:
    xyz, rpy = _texts(frame.xyz_m.tolist()), _texts(frame.rpy_rad.tolist())
    return f'<origin xyz="{xyz}" rpy="{rpy}"/>'


def _texts(values: Sequence[float]) -> str:
    return " ".join(repr(float(each)) for each in values)


def _urdf_text(link: Link, shapes: Sequence[str]) -> str:
    moments = np.zeros(6) if link.inertia is None else link.inertia
    inertia = " ".join(f'{k}="{v!r}"' for k, v in zip(INERTIA_KEYS, moments.tolist(), strict=True))
    return f"""<?xml version="1.0"?>
<robot name="object">
  <link name="object">
    <inertial>
      {_origin_text(link.inertial)}
      <mass value="{link.mass_kg!r}"/>
      <inertia {inertia}/>
    </inertial>
{"".join(shapes)}  </link>
</robot>
"""


def _obj_text(surfaces: Sequence[Surface], name: str) -> str:
    """OBJ file with one ``o`` group for each surface."""
    lines, first = [], 1
    for number, each in enumerate(surfaces):
        lines.append(f"o {name}_{number}")
        lines += [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in each.points.tolist()]
        corners = (each.faces + first).tolist()
        if each.uv is None:
            lines += [f"f {a} {b} {c}" for a, b, c in corners]
        else:
            lines += [f"vt {u:.6f} {v:.6f}" for u, v in each.uv.tolist()]
            lines += [f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in corners]
        first += len(each.points)
    return "\n".join(lines) + "\n"
