"""What single rays meet in a simulated scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.panorama.simulation.rays.ray_casting import Hits, cast
from tasks.panorama.simulation.rays.ray_tiles import RayTiles, bundle
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.types import FloatArray


def rays_along(directions: Any, origin: Sequence[float] = (0.0, 0.0, 0.0)) -> RayTiles:
    """Rays along directions of any length, (n, 3), all in one tile."""
    unit = np.atleast_2d(np.asarray(directions, float))
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    return bundle(np.array(origin, float), unit[None], np.zeros((1, len(unit))))


def cast_along(
    scene: Scene, directions: Any, origin: Sequence[float] = (0.0, 0.0, 0.0)
) -> tuple[FloatArray, Hits]:
    """Distance to what each ray meets, (n,), infinite where there is nothing; and the hits."""
    hits = cast(scene, rays_along(directions, origin))
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / hits.nearness[0], np.float64), hits


def spread(count: int, seed: int = 0) -> FloatArray:
    """Directions spread evenly over the sphere, (count, 3)."""
    return np.random.default_rng(seed).normal(size=(count, 3))
