"""Colours of what rays meet: texture, one sun, light from all sides, shadows on the ground."""

from __future__ import annotations

import numpy as np

from tasks.panorama.simulation.paint.materials import gather, sample
from tasks.panorama.simulation.rays.ray_casting import Hits
from tasks.panorama.simulation.rays.ray_tiles import RayTiles
from tasks.panorama.simulation.rays.surfaces import GroundLight, Scene, Sky
from tasks.panorama.types import Float32Array, FloatArray, IntArray

# A slanted pixel is averaged over the geometric mean of its two extents, at most this slant.
_MIN_SLANT = np.float32(0.04)


def shade(scene: Scene, tiles: RayTiles, hits: Hits) -> Float32Array:
    """Return the colours, (num_tiles, tile_size, 3) float32 BGR 0..255."""
    surface = hits.surface.reshape(-1)
    directions = tiles.directions.reshape(3, -1)
    colours = np.zeros((surface.size, 3), np.float32)
    material = np.where(surface < 0, -1, scene.material_of[surface]).astype(np.int16)
    order = np.argsort(material, kind="stable")
    bounds = np.searchsorted(material[order], np.arange(-1, len(scene.materials) + 1))
    unseen = order[: bounds[1]]
    if unseen.size and scene.sky is not None:
        colours[unseen] = _sky_colours(scene.sky, directions[:, unseen])
    for number in range(len(scene.materials)):
        chosen = order[bounds[number + 1] : bounds[number + 2]]
        if chosen.size:
            colours[chosen] = _surface_colours(scene, tiles, hits, number, chosen)
    return colours.reshape(*hits.surface.shape, 3)


def slants(scene: Scene, tiles: RayTiles, hits: Hits) -> Float32Array:
    """Cosine between each ray and the normal of what it meets, (num_tiles, tile_size); 1: none."""
    surface = hits.surface.reshape(-1)
    result = np.ones(surface.size, np.float32)
    chosen = np.flatnonzero(surface >= 0)
    directions = tiles.directions.reshape(3, -1)[:, chosen]
    distance = 1.0 / hits.nearness.reshape(-1)[chosen]
    normals = _normals(scene, tiles.origin, surface[chosen], directions, distance)
    result[chosen] = np.abs(np.einsum("kn,kn->n", normals, directions))
    return result.reshape(hits.surface.shape)


def _surface_colours(
    scene: Scene, tiles: RayTiles, hits: Hits, number: int, chosen: IntArray
) -> Float32Array:
    material = scene.materials[number]
    surface = hits.surface.reshape(-1)[chosen]
    directions = tiles.directions.reshape(3, -1)[:, chosen]
    distance = 1.0 / hits.nearness.reshape(-1)[chosen]
    normals = _normals(scene, tiles.origin, surface, directions, distance)
    slant = np.abs(np.einsum("kn,kn->n", normals, directions))
    footprint = tiles.pixel_rad.reshape(-1)[chosen] * distance
    footprint /= np.sqrt(np.maximum(slant, _MIN_SLANT))
    place = hits.place.reshape(2, -1)[:, chosen] + scene.texture_starts_m[surface].T
    colours = sample(material, place[0], place[1], footprint)
    light = _light(scene, normals) * scene.brightness[surface]
    if material.on_ground and scene.ground_light is not None:
        light *= _ground_factor(scene.ground_light, tiles.origin, directions, distance)
    return colours * light[:, None]


def _normals(
    scene: Scene,
    origin: FloatArray,
    surface: IntArray,
    directions: Float32Array,
    distance: Float32Array,
) -> Float32Array:
    """Unit normals that face the rays, (3, n)."""
    flat = np.cross(scene.edges[:, 0], scene.edges[:, 1])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    table = np.concatenate([flat, np.zeros((scene.num_round, 3))]).astype(np.float32)
    normals = np.ascontiguousarray(table[surface].T)
    curved = np.flatnonzero(surface >= scene.num_flat)
    if curved.size:
        number = surface[curved] - scene.num_flat
        start = (origin - scene.centres[number]).T.astype(np.float32)
        point = start + distance[curved] * directions[:, curved]
        weight = scene.radii_m[number].T.astype(np.float32) ** -2
        weight[1, scene.is_cylinder[number]] = 0.0
        point *= weight
        normals[:, curved] = point / np.linalg.norm(point, axis=0)
    away = np.einsum("kn,kn->n", normals, directions) > 0
    return np.where(away, -normals, normals)


def _light(scene: Scene, normals: Float32Array) -> Float32Array:
    from_sun = np.maximum(scene.sun.astype(np.float32) @ normals, 0.0)
    from_above = np.float32(0.08) * -normals[1]
    ambient = np.float32(scene.ambient)
    return np.asarray(ambient + (1 - ambient) * from_sun + from_above, np.float32)


def _ground_factor(
    ground_light: GroundLight,
    origin: FloatArray,
    directions: Float32Array,
    distance: Float32Array,
) -> Float32Array:
    half_m = ground_light.half_size_m
    texels_per_m = ground_light.factors.shape[0] / (2 * half_m)
    x, z = (
        (np.float32(origin[axis] + half_m) + distance * directions[axis]) * np.float32(texels_per_m)
        for axis in (0, 2)
    )
    return gather(ground_light.factors, x - np.float32(0.5), z - np.float32(0.5))[:, 0]


def _sky_colours(sky: Sky, directions: Float32Array) -> Float32Array:
    size_px = sky.picture.shape[0]
    # The horizon (y = 0) lies on a circle of radius 4; 4.2 leaves a border below it.
    scale = np.float32(size_px / (2 * 4.2))
    down = np.maximum(0.25 - directions[1], 0.25)
    middle = np.float32(size_px / 2 - 0.5)
    return gather(
        sky.picture, directions[0] / down * scale + middle, directions[2] / down * scale + middle
    )
