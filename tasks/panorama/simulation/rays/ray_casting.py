"""Nearest surface along each ray, in closed form, one surface against many tiles at a time.

A parallelogram with corner q (relative to the rays' origin) and edges u, v is hit by direction
d where ``d = a u + b v + c q`` with ``c > 0`` and ``0 <= a, b <= c``; the distance is ``1 / c``
and the place on the surface ``(a / c, b / c)``. So each of its five conditions is a half space
through the origin, which also decides in one product which tiles it can meet (a cone against
a half space). Cylinders and ellipsoids are unit spheres in scaled axes: one quadratic equation.

A. S. Glassner (ed.), "An Introduction to Ray Tracing", 1989, chapter 2 (intersections) and
chapter 6 (bounding volumes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.simulation.rays.ray_tiles import RayTiles
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.types import BoolArray, Float32Array, FloatArray, IntArray

NOTHING = -1

# Against rounding of float32 products.
_CULLING_MARGIN_RAD = 1e-5


@dataclass(frozen=True)
class Hits:
    """What each ray meets first.

    Attributes:
        nearness: (num_tiles, tile_size) float32, one over the distance in metres; 0 for none.
        surface: (num_tiles, tile_size) index of the surface, `NOTHING` for none.
        place: (2, num_tiles, tile_size) float32, metres along the surface's two axes.
    """

    nearness: Float32Array
    surface: IntArray
    place: Float32Array


def cast(scene: Scene, tiles: RayTiles) -> Hits:
    """Find the first surface along each ray."""
    shape = tiles.directions.shape[1:]
    hits = Hits(
        np.zeros(shape, np.float32),
        np.full(shape, NOTHING, np.int64),
        np.zeros((2, *shape), np.float32),
    )
    flat = _FlatCaster(scene, tiles)
    for index in flat.near_to_far():
        flat.cast_one(int(index), hits)
    _cast_round(scene, tiles, hits)
    return hits


class _FlatCaster:
    """Parallelograms against the tiles of one bundle."""

    def __init__(self, scene: Scene, tiles: RayTiles) -> None:
        self._scene, self._tiles = scene, tiles
        corner = scene.corners - tiles.origin
        frame = np.stack([scene.edges[:, 0], scene.edges[:, 1], corner], axis=-1)
        # A surface whose plane holds the origin is seen edge-on, that is, not at all.
        edge_on = np.abs(np.linalg.det(frame)) < 1e-9
        frame[edge_on] = np.eye(3)
        self._abc_from_direction = np.linalg.inv(frame)
        self._sizes_m = np.linalg.norm(scene.edges, axis=2)
        self._meets = self._possible_tiles() & ~edge_on[:, None]

    def near_to_far(self) -> IntArray:
        """Return the surfaces that can be met, nearest first."""
        edges = self._scene.edges
        middle = self._scene.corners - self._tiles.origin + 0.5 * edges.sum(axis=1)
        reach = 0.5 * np.linalg.norm(np.abs(edges).sum(axis=1), axis=1)
        order = np.argsort(np.linalg.norm(middle, axis=1) - reach, kind="stable")
        return np.asarray(order[self._meets[order].any(axis=1)])

    def cast_one(self, index: int, hits: Hits) -> None:
        """Update the hits by one surface."""
        chosen = np.flatnonzero(self._meets[index])
        tile_size = hits.nearness.shape[1]
        directions = self._tiles.directions[:, chosen].reshape(3, -1)
        abc = self._abc_from_direction[index].astype(np.float32) @ directions
        a, b, c = abc
        nearer = c > hits.nearness[chosen].reshape(-1)
        inside = (a >= 0) & (b >= 0) & (a <= c) & (b <= c) & nearer
        found = np.flatnonzero(inside)
        if not found.size:
            return
        nearness = c[found]
        place = abc[:2, found] / nearness
        cutout = self._scene.cutouts[index]
        if cutout is not None:
            solid = _solid_at(cutout, place)
            found, nearness, place = found[solid], nearness[solid], place[:, solid]
        where = chosen[found // tile_size] * tile_size + found % tile_size
        hits.nearness.reshape(-1)[where] = nearness
        hits.surface.reshape(-1)[where] = index
        sizes = self._sizes_m[index].astype(np.float32)
        hits.place.reshape(2, -1)[:, where] = place * sizes[:, None]

    def _possible_tiles(self) -> BoolArray:
        rows = self._abc_from_direction
        a, b, c = rows[:, 0], rows[:, 1], rows[:, 2]
        half_angles = np.minimum(self._tiles.half_angles_rad + _CULLING_MARGIN_RAD, 0.5 * np.pi)
        limit = -np.sin(half_angles).astype(np.float32)
        axes = np.ascontiguousarray(self._tiles.axes.T, np.float32)
        possible = np.ones((len(rows), len(limit)), bool)
        for normal in (a, b, c, c - a, c - b):
            unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
            possible &= unit.astype(np.float32) @ axes >= limit
        return possible


def _solid_at(cutout: BoolArray, place: Float32Array) -> BoolArray:
    height, width = cutout.shape
    column = np.minimum((place[0] * width).astype(np.int64), width - 1)
    row = np.minimum((place[1] * height).astype(np.int64), height - 1)
    return np.asarray(cutout[row, column])


def _cast_round(scene: Scene, tiles: RayTiles, hits: Hits) -> None:
    """Update the hits by the cylinders and ellipsoids."""
    middle = scene.centres - tiles.origin
    distance = np.linalg.norm(middle, axis=1)
    reach = np.where(
        scene.is_cylinder,
        np.hypot(scene.radii_m[:, 0], scene.radii_m[:, 1]),
        scene.radii_m.max(axis=1, initial=0.0),
    )
    opening = np.arcsin(np.minimum(reach / np.maximum(distance, 1e-9), 1.0))
    opening[reach >= distance] = np.pi
    unit = middle / np.maximum(distance, 1e-9)[:, None]
    apart = np.arccos(np.clip(unit @ tiles.axes.T, -1.0, 1.0))
    meets = apart <= opening[:, None] + tiles.half_angles_rad
    for number in np.flatnonzero(meets.any(axis=1)):
        _cast_one_round(scene, tiles, hits, int(number), np.flatnonzero(meets[number]))


def _cast_one_round(
    scene: Scene, tiles: RayTiles, hits: Hits, number: int, chosen: IntArray
) -> None:
    tile_size = hits.nearness.shape[1]
    directions = tiles.directions[:, chosen].reshape(3, -1)
    radii = scene.radii_m[number]
    is_cylinder = bool(scene.is_cylinder[number])
    scale = (1.0 / radii * (1.0, 0.0 if is_cylinder else 1.0, 1.0)).astype(np.float32)
    start = (tiles.origin - scene.centres[number]).astype(np.float32)
    near_root, is_met = _first_root(start * scale, directions * scale[:, None])
    heights = start[1] + near_root * directions[1]
    is_met &= near_root * hits.nearness[chosen].reshape(-1) < 1.0
    if is_cylinder:
        is_met &= np.abs(heights) <= np.float32(radii[1])
    found = np.flatnonzero(is_met)
    if not found.size:
        return
    point = start[:, None] + near_root[found] * directions[:, found]
    where = chosen[found // tile_size] * tile_size + found % tile_size
    hits.nearness.reshape(-1)[where] = 1.0 / near_root[found]
    hits.surface.reshape(-1)[where] = scene.num_flat + number
    hits.place.reshape(2, -1)[:, where] = _place_on_round(point, radii, is_cylinder)


def _first_root(start: Float32Array, directions: Float32Array) -> tuple[Float32Array, BoolArray]:
    """Distance at which rays enter the unit sphere, (n,), and whether they do ahead of them."""
    square = np.einsum("kn,kn->n", directions, directions)
    product = start @ directions
    rest = np.float32(start @ start - 1.0)
    discriminant = product**2 - square * rest
    is_met = (discriminant > 0) & (square > 1e-12)
    root = -product - np.sqrt(np.maximum(discriminant, 0))
    is_met &= root > 0
    return np.where(is_met, root / np.maximum(square, 1e-12), 1.0).astype(np.float32), is_met


def _place_on_round(point: Float32Array, radii: FloatArray, is_cylinder: bool) -> Float32Array:
    """Metres around and down a cylinder or ellipsoid, (2, n), from its axis and its top."""
    around = np.arctan2(point[0], point[2]) * np.float32(radii[0]) + np.float32(np.pi * radii[0])
    if is_cylinder:
        return np.stack([around, point[1] + np.float32(radii[1])])
    steep = np.arcsin(np.clip(point[1] / np.float32(radii[1]), -1.0, 1.0))
    return np.stack([around, (steep + np.float32(np.pi / 2)) * np.float32(radii[1])])
