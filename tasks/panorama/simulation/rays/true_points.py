"""True correspondences: surface points that two cameras see, found by casting rays back.

From a fixed grid of image a a ray is cast to the surface; the point is projected into image b;
a second ray from b towards it must not be stopped on its way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.camera.camera import project, rays
from tasks.panorama.simulation.rays.ray_casting import NOTHING, Hits, cast
from tasks.panorama.simulation.rays.ray_tiles import bundle
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.types import BoolArray, Camera, FloatArray, IntArray, Rig, TruePoints

GRID_STEP_PX = 8
_TILE_SIZE = 64
_BLOCK_PX = 64
# How much nearer than the point a ray may be stopped: rounding, not another surface.
_TOLERANCE = 1e-3
_TOLERANCE_M = 2e-3


def find_true_points(scene: Scene, rig: Rig, step_px: int = GRID_STEP_PX) -> TruePoints:
    """Find the grid points of each image that a later image sees too.

    Args:
        scene: The scene.
        rig: The true cameras.
        step_px: Distance of the grid points in image a; the grid starts at half of it.
    """
    targets = [_grid_targets(scene, rig.cameras[a], a, step_px) for a in range(len(rig.cameras))]
    parts = [
        _seen(scene, camera, b, _joined(targets[:b]))
        for b, camera in enumerate(rig.cameras)
        if b > 0
    ]
    image_a = np.concatenate([part.image_a for part in parts])
    image_b = np.concatenate([part.image_b for part in parts])
    order = np.lexsort((image_b, image_a))
    return TruePoints(
        image_a=image_a[order],
        image_b=image_b[order],
        points_a_px=np.concatenate([part.points_a_px for part in parts])[order],
        points_b_px=np.concatenate([part.points_b_px for part in parts])[order],
        is_sky=np.concatenate([part.is_sky for part in parts])[order],
    )


@dataclass(frozen=True)
class _Targets:
    """Grid points of images and what they see; a place is a direction where it is sky."""

    image: IntArray
    points_px: FloatArray
    places: FloatArray
    is_sky: BoolArray


def _joined(targets: list[_Targets]) -> _Targets:
    return _Targets(
        np.concatenate([part.image for part in targets]),
        np.concatenate([part.points_px for part in targets]),
        np.concatenate([part.places for part in targets]),
        np.concatenate([part.is_sky for part in targets]),
    )


def _grid_targets(scene: Scene, camera: Camera, image: int, step_px: int) -> _Targets:
    x = np.arange(step_px // 2, camera.width_px, step_px, dtype=float)
    y = np.arange(step_px // 2, camera.height_px, step_px, dtype=float)
    points_px = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    directions = rays(camera, points_px)
    nearness, is_sky = _cast_scattered(scene, camera.centre_m, directions, points_px)
    distance = 1.0 / np.where(is_sky, 1.0, nearness)
    on_surface = camera.centre_m + distance[:, None] * directions
    return _Targets(
        np.full(len(points_px), image, np.int64),
        points_px,
        np.where(is_sky[:, None], directions, on_surface),
        is_sky,
    )


def _seen(scene: Scene, camera: Camera, image_b: int, targets: _Targets) -> TruePoints:
    """Keep the targets that a camera sees."""
    places = targets.places
    toward = np.where(targets.is_sky[:, None], places, places - camera.centre_m)
    projected_px, valid = project(camera, toward)
    chosen = np.flatnonzero(valid)
    projected_px, is_sky = projected_px[chosen], targets.is_sky[chosen]
    distance = np.linalg.norm(toward[chosen], axis=1)
    directions = toward[chosen] / distance[:, None]
    nearness, sees_sky = _cast_scattered(scene, camera.centre_m, directions, projected_px)
    stopped_at = np.where(sees_sky, np.inf, 1.0 / np.where(sees_sky, 1.0, nearness))
    is_open = stopped_at >= distance * (1.0 - _TOLERANCE) - _TOLERANCE_M
    seen = np.where(is_sky, sees_sky, is_open)
    rows = chosen[seen]
    return TruePoints(
        image_a=targets.image[rows],
        image_b=np.full(len(rows), image_b, np.int64),
        points_a_px=targets.points_px[rows],
        points_b_px=projected_px[seen],
        is_sky=is_sky[seen],
    )


def _cast_scattered(
    scene: Scene, origin: FloatArray, directions: FloatArray, points_px: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Cast n rays; neighbours in the picture share a tile. Nearness and whether sky, (n,)."""
    count = len(directions)
    if count == 0:
        return np.zeros(0), np.zeros(0, bool)
    block = (points_px // _BLOCK_PX).astype(np.int64)
    order = np.lexsort((block[:, 0], block[:, 1]))
    padded = np.concatenate([order, np.repeat(order[-1:], -count % _TILE_SIZE)])
    tiled = directions[padded].reshape(-1, _TILE_SIZE, 3)
    hits = cast(scene, bundle(origin, tiled, np.zeros(tiled.shape[:2])))
    return _unsort(hits, order)


def _unsort(hits: Hits, order: IntArray) -> tuple[FloatArray, BoolArray]:
    count = len(order)
    nearness, is_sky = np.empty(count), np.empty(count, bool)
    nearness[order] = hits.nearness.reshape(-1)[:count]
    is_sky[order] = hits.surface.reshape(-1)[:count] == NOTHING
    return nearness, is_sky
