"""Whether a user's model can be simulated, and what about it a user should know.

What is asked: one rigid body with a mass, an inertia that a body can have, a volume, and a size
between what the gripper can feel and what the bin holds. What one engine refuses is refused here
for all: MuJoCo an inertia beyond the triangle inequality and bodies without volume, PyBullet, which
drops such inertias to nothing and lets such bodies fall through the floor, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial import ConvexHull

from tasks.core.errors import DataError
from tasks.grasping.objects.meshes import Surface, volume_m3
from tasks.grasping.objects.rewriting import Solid, thickness_m
from tasks.grasping.objects.solids import body_of
from tasks.grasping.types import FloatArray
from tasks.grasping.workspace import BIN_INNER_M

MIN_LENGTH_M, MIN_THICKNESS_M = 0.005, 0.0002
"""Below, contacts are as coarse as the object; most often a scale is wrong."""
MAX_HULL_RATIO = 1.3
MAX_DIFFERENCE = 0.2
_MAX_OFF = 0.1
_MIN_INERTIA_KGM2 = 1e-12
_MIN_SEEN_M2 = 1e-7


def check_solid(solid: Solid) -> None:
    """Make sure that a model can be thrown into the bin.

    Raises:
        DataError: It can't be a body, or doesn't fit. The message names the file, and what to do.
    """
    check_size(solid)
    check_centre(solid)
    check_inertia(solid)


def check_size(solid: Solid) -> None:
    """Make sure that it is a body, neither too large nor too small.

    Raises:
        DataError: It isn't. The message names the file, and what to do.
    """
    longest_m = solid.extent_m[0]
    if longest_m > min(BIN_INNER_M):
        raise DataError(
            f"{solid.path}: it is {longest_m:.3g} m long, the bin {min(BIN_INNER_M):g} m; give its "
            "meshes a smaller scale (URDF is in metres)"
        )
    length_m, thin_m = float(np.ptp(solid.points_m, axis=0).max()), thickness_m(solid.points_m)
    if length_m < MIN_LENGTH_M:
        raise DataError(
            f"{solid.path}: what collides is {_mm(length_m)} long, expected {_mm(MIN_LENGTH_M)} at "
            "least; give its meshes a larger scale (URDF is in metres)"
        )
    if thin_m < MIN_THICKNESS_M:
        raise DataError(
            f"{solid.path}: what collides is flat, {_mm(thin_m)} thick, expected "
            f"{_mm(MIN_THICKNESS_M)} at least; thicken it, or give it a <box> in <collision>"
        )
    meshes = [surface for _, surface in solid.seen if surface is not None]
    if len(meshes) == len(solid.seen) and (
        len(solid.seen_points_m) < 4 or sum(map(_area_m2, meshes)) < _MIN_SEEN_M2
    ):  # MuJoCo draws no less
        raise DataError(
            f"{solid.path}: what is seen has no surface, or less than four corners; export its "
            "mesh again, or name that of <collision>"
        )


def check_centre(solid: Solid) -> None:
    """Raise where the centre of mass lies outside of the body, as that of no body does.

    Raises:
        DataError: It lies more than a tenth of the longest edge beyond the box around all of it.
    """
    points_m, centre_m = solid.all_points_m, solid.link.inertial.xyz_m
    low_m, high_m = points_m.min(0), points_m.max(0)
    off_m = float(np.maximum(low_m - centre_m, centre_m - high_m).max())
    if off_m > _MAX_OFF * solid.extent_m[0]:
        middle = " ".join(f"{each + 0.0:.4g}" for each in (low_m + high_m) / 2)
        raise DataError(
            f"{solid.path}: its centre of mass lies {off_m:.3g} m outside of what is seen and "
            f'collides; write <origin xyz="{middle}"/> in <inertial> for its middle (URDF is in '
            "metres)"
        )


def check_inertia(solid: Solid) -> None:
    """Raise where no body can have the inertia.

    Raises:
        DataError: It is missing, has a moment that isn't above 0, or one that is greater than the
            sum of the others.
    """
    if solid.link.inertia is None:
        fault = "expected <inertia> beside <mass>, got none"
    else:
        low, middle, high = np.linalg.eigvalsh(solid.link.tensor_kgm2)
        said = f"principal moments {low:.4g}, {middle:.4g} and {high:.4g} kg m²"
        if low <= _MIN_INERTIA_KGM2:
            fault = f"expected an <inertia> above 0 about every axis, got {said}"
        elif high > (low + middle) * (1 + 1e-9):
            fault = f"no body has this <inertia>: one of the {said} exceeds the sum of the others"
        else:
            return
    raise DataError(
        f"{solid.path}: {fault}; for an evenly dense body of this shape write "
        f"{_even_inertia(solid)}"
    )


def remarks(solid: Solid) -> Iterator[str]:
    """Say what of a model is simulated other than a user may think."""
    if solid.num_flat:
        yield f"{solid.num_flat} pieces of what collides have no volume and are left out"
    yield from _hull_remarks(solid)
    yield from _difference_remarks(solid)
    bound = solid.link.mass_kg * solid.reach_m**2
    most = float(np.linalg.eigvalsh(solid.link.tensor_kgm2)[-1])
    if most > bound:
        yield (
            f"its inertia is up to {most:.3g} kg m², and no body of {solid.link.mass_kg:g} kg and "
            f"this size has more than {bound:.3g}: it turns more slowly than any; an evenly dense "
            f"one has {_even_inertia(solid)}"
        )


def _even_inertia(solid: Solid) -> str:
    """As the file must say it, about the axes that its <inertial> has."""
    turn = solid.link.inertial.turn
    tensor = solid.link.mass_kg * turn.T @ body_of(list(solid.parts)).tensor_per_kg @ turn
    tensor[np.abs(tensor) < 1e-6 * tensor.max()] = 0.0  # what turning leaves
    keys, values = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"), tensor[np.triu_indices(3)]
    named = " ".join(f'{key}="{value:.4g}"' for key, value in zip(keys, values, strict=True))
    return f"<inertia {named}/>"


def _hull_remarks(solid: Solid) -> Iterator[str]:
    """Pieces collide as their convex hulls: a bowl of one piece is a lump."""
    volumes = [volume_m3(piece) for piece in solid.pieces]
    hulls = [_hull_m3(piece.points) for piece in solid.pieces]
    if None in volumes:
        yield "its mesh is not closed; it collides as the convex hull of each piece"
        return
    mesh_m3, hull_m3 = sum(each or 0.0 for each in volumes), sum(hulls)
    if hull_m3 > MAX_HULL_RATIO * mesh_m3:
        yield (
            f"it collides as convex hulls of {hull_m3 / max(mesh_m3, 1e-12):.1f} times its mesh's "
            "volume: hollows are closed; divide the mesh that collides into convex pieces, one `o` "
            "group of an OBJ file each (as CoACD or V-HACD do)"
        )


def _difference_remarks(solid: Solid) -> Iterator[str]:
    """Pictures show what is seen, and the gripper meets what collides."""
    seen, hit = solid.seen_points_m, solid.points_m
    lengths = np.stack([np.ptp(each, axis=0) for each in (seen, hit)])
    apart = np.abs(lengths[0] - lengths[1]) / lengths.max(axis=0)
    sizes = " and ".join(" x ".join(f"{1000 * each:.0f}" for each in row) for row in lengths)
    if apart.max() > MAX_DIFFERENCE:
        yield f"what is seen and what collides differ in size: {sizes} mm"
        return
    if thickness_m(seen) < MIN_THICKNESS_M:
        return
    volumes = [_hull_m3(each) for each in (seen, hit)]
    if abs(volumes[0] - volumes[1]) > MAX_DIFFERENCE * max(volumes):
        cm3 = " and ".join(f"{1e6 * each:.3g}" for each in volumes)
        yield f"what is seen and what collides differ in volume: their hulls are {cm3} cm³"


def _hull_m3(points_m: FloatArray) -> float:
    return float(ConvexHull(points_m, qhull_options="QJ Pp").volume)


def _area_m2(surface: Surface) -> float:
    a, b, c = surface.points[surface.faces].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _mm(length_m: float) -> str:
    return f"{1000 * length_m:.3g} mm"
