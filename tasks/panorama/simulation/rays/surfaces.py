"""Scenes as lists of surfaces: parallelograms (with cut-outs), upright cylinders, ellipsoids.

Everything is placed in the rig frame (x right, y down, z forward, metres), the rig's centre at
the origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tasks.panorama.simulation.paint.materials import Material
from tasks.panorama.types import BoolArray, Float32Array, FloatArray, IntArray

# Cameras stand off the origin, so a face is dropped only if it turns away by more than this.
_BACK_FACE_MARGIN_M = 0.5

Vector = tuple[float, float, float]
Place = Sequence[float] | FloatArray


@dataclass(frozen=True)
class Sky:
    """What is seen where no surface is.

    Attributes:
        picture: (n, n, 3) float32 BGR, a map of the upper half sphere: a direction with
            ``y < 0`` lies at ``(x, z) / (0.25 - y)`` scaled to the picture.
    """

    picture: Float32Array


@dataclass(frozen=True)
class GroundLight:
    """Sun shadows and contact shadows on the ground, seen from above.

    Attributes:
        factors: (n, n) float32, brightness factor.
        half_size_m: The map spans -half..half in x and z.
    """

    factors: Float32Array
    half_size_m: float


@dataclass(frozen=True)
class Scene:
    """All surfaces of a scene in arrays; surface i is a parallelogram if ``i < num_flat``.

    Attributes:
        corners: (num_flat, 3) first corner of each parallelogram.
        edges: (num_flat, 2, 3) its two edge vectors.
        cutouts: (num_flat,) picture of where the surface is solid, or None where it all is.
        centres: (num_round, 3) middle of each cylinder or ellipsoid.
        radii_m: (num_round, 3); a cylinder has half its height in y.
        is_cylinder: (num_round,).
        materials: Materials.
        material_of: (num_flat + num_round,) index into materials.
        texture_starts_m: (num_flat + num_round, 2) place on the texture of the first corner.
        brightness: (num_flat + num_round,) factor of the surface's own.
        sun: (3,) unit vector towards the light.
        ambient: Share of light that comes from all sides.
        sky: None inside a room.
        ground_light: None without.
    """

    corners: FloatArray
    edges: FloatArray
    cutouts: tuple[BoolArray | None, ...]
    centres: FloatArray
    radii_m: FloatArray
    is_cylinder: BoolArray
    materials: tuple[Material, ...]
    material_of: IntArray
    texture_starts_m: Float32Array
    brightness: Float32Array
    sun: FloatArray
    ambient: float
    sky: Sky | None
    ground_light: GroundLight | None

    @property
    def num_flat(self) -> int:
        """Number of parallelograms."""
        return len(self.corners)

    @property
    def num_round(self) -> int:
        """Number of cylinders and ellipsoids."""
        return len(self.centres)


@dataclass
class SceneBuilder:
    """Collects surfaces; `build` turns them into a `Scene`."""

    sun: Vector = (0.45, -0.75, 0.48)
    ambient: float = 0.62
    _materials: list[Material] = field(default_factory=list)
    _flat: list[tuple[FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    _flat_look: list[tuple[int, float, float, float]] = field(default_factory=list)
    _cutouts: list[BoolArray | None] = field(default_factory=list)
    _round: list[tuple[Vector, Vector, bool]] = field(default_factory=list)
    _round_look: list[tuple[int, float, float, float]] = field(default_factory=list)

    def material(self, material: Material) -> int:
        """Register a material and return its number."""
        self._materials.append(material)
        return len(self._materials) - 1

    def flat(
        self,
        corner: Place,
        along: Place,
        down: Place,
        material: int,
        *,
        start_m: tuple[float, float] = (0.0, 0.0),
        brightness: float = 1.0,
        cutout: BoolArray | None = None,
    ) -> None:
        """Add a parallelogram.

        Args:
            corner: The corner where the texture starts.
            along: Edge along the texture's width.
            down: Edge along the texture's height.
            material: Number of its material.
            start_m: Place on the texture of the corner.
            brightness: Factor.
            cutout: (h, w) True where the surface is solid; all of it if None.
        """
        self._flat.append((np.array(corner, float), np.array(along, float), np.array(down, float)))
        self._flat_look.append((material, start_m[0], start_m[1], brightness))
        self._cutouts.append(cutout)

    def box(
        self,
        low: Sequence[float],
        high: Sequence[float],
        material: int,
        *,
        top: int | None = None,
        start_m: tuple[float, float] = (0.0, 0.0),
        brightness: float = 1.0,
    ) -> None:
        """Add the sides of an upright box that can face the rig (low y is the top)."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        width, height, depth = x1 - x0, y1 - y0, z1 - z0
        down = (0.0, height, 0.0)
        lid = material if top is None else top
        margin = _BACK_FACE_MARGIN_M
        faces = (
            (z0 > -margin, (x0, y0, z0), (width, 0.0, 0.0), down, material),
            (z1 < margin, (x1, y0, z1), (-width, 0.0, 0.0), down, material),
            (x0 > -margin, (x0, y0, z1), (0.0, 0.0, -depth), down, material),
            (x1 < margin, (x1, y0, z0), (0.0, 0.0, depth), down, material),
            (y0 > -margin, (x0, y0, z1), (width, 0.0, 0.0), (0.0, 0.0, -depth), lid),
            (y1 < margin, (x0, y1, z0), (width, 0.0, 0.0), (0.0, 0.0, depth), lid),
        )
        for can_face_rig, corner, along, across, look in faces:
            if can_face_rig:
                self.flat(corner, along, across, look, start_m=start_m, brightness=brightness)

    def cylinder(
        self, foot: Vector, radius_m: float, height_m: float, material: int, brightness: float = 1.0
    ) -> None:
        """Add an upright cylinder that stands on a point."""
        middle = (foot[0], foot[1] - height_m / 2, foot[2])
        self._round.append((middle, (radius_m, height_m / 2, radius_m), True))
        self._round_look.append((material, 0.0, 0.0, brightness))

    def ellipsoid(
        self, centre: Vector, radii_m: Vector, material: int, brightness: float = 1.0
    ) -> None:
        """Add an ellipsoid with upright axes."""
        self._round.append((centre, radii_m, False))
        self._round_look.append((material, 0.0, 0.0, brightness))

    def build(self, sky: Sky | None, ground_light: GroundLight | None) -> Scene:
        """Return the scene."""
        look = np.array(self._flat_look + self._round_look, float).reshape(-1, 4)
        sun = np.array(self.sun, float)
        return Scene(
            corners=np.array([flat[0] for flat in self._flat]).reshape(-1, 3),
            edges=np.array([flat[1:] for flat in self._flat]).reshape(-1, 2, 3),
            cutouts=tuple(self._cutouts),
            centres=np.array([shape[0] for shape in self._round], float).reshape(-1, 3),
            radii_m=np.array([shape[1] for shape in self._round], float).reshape(-1, 3),
            is_cylinder=np.array([shape[2] for shape in self._round], bool),
            materials=tuple(self._materials),
            material_of=look[:, 0].astype(np.int64),
            texture_starts_m=look[:, 1:3].astype(np.float32),
            brightness=look[:, 3].astype(np.float32),
            sun=sun / np.linalg.norm(sun),
            ambient=self.ambient,
            sky=sky,
            ground_light=ground_light,
        )
