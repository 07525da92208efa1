"""A street canyon: textured fronts 7 to 11 m away on both sides, cars, poles, trees, a road."""

from __future__ import annotations

import numpy as np

from tasks.panorama.simulation.paint.textures import asphalt, blocks, fill
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.scenes.buildings import Front, add_building
from tasks.panorama.simulation.scenes.props import add_box, add_car, add_pole, add_sign, add_tree
from tasks.panorama.simulation.scenes.workshop import Workshop

_CAMERA_HEIGHT_M = 2.3
_HALF_ROAD_M = 4.4
_KERB_M = 0.14
_HALF_LENGTH_M = 46.0
_NEAREST_FRONT_M, _FARTHEST_FRONT_M = 7.0, 11.0


def build_street(rng: np.random.Generator, focal_px: float) -> Scene:
    """Build a street along z with the rig above its middle."""
    shop = Workshop(rng, focal_px, _CAMERA_HEIGHT_M)
    _add_ground(shop)
    for side in (-1.0, 1.0):
        _add_row(shop, side)
    _add_ends(shop)
    _add_furniture(shop)
    return shop.builder.build(shop.sky(), shop.ground_light())


def _add_ground(shop: Workshop) -> None:
    ground, length = shop.ground_y_m, 2 * _HALF_LENGTH_M + 40.0
    far = -length / 2
    canvas = shop.canvas(2 * _HALF_ROAD_M, 12.0, 3.2)
    picture = asphalt(canvas)
    white = (200.0, 204.0, 206.0)
    fill(picture, canvas, (_HALF_ROAD_M - 0.07, 1.5, 0.14, 4.5), white)
    for edge in (0.35, 2 * _HALF_ROAD_M - 0.47):
        fill(picture, canvas, (edge, 0.0, 0.12, 12.0), white)
    picture *= (1.0 + 0.08 * canvas.noise(0.6, 0.9))[..., None]
    road = shop.material(canvas, np.minimum(picture, 225.0), on_ground=True)
    shop.builder.flat(
        (-_HALF_ROAD_M, ground, far), (2 * _HALF_ROAD_M, 0.0, 0.0), (0.0, 0.0, length), road
    )
    slabs = shop.canvas(5.0, 5.0, 6.0)
    paving = shop.material(
        slabs, blocks(slabs, (140.0, 146.0, 150.0), (0.8, 0.5), 0.018), on_ground=True
    )
    kerb = shop.rough_material((150.0, 152.0, 155.0), 6.0, 0.08, 1.0)
    for side in (-1.0, 1.0):
        start = (side * _HALF_ROAD_M, ground - _KERB_M, far)
        shop.builder.flat(start, (side * 9.0, 0.0, 0.0), (0.0, 0.0, length), paving)
        shop.builder.flat(start, (0.0, 0.0, length), (0.0, _KERB_M, 0.0), kerb, brightness=0.9)


def _add_row(shop: Workshop, side: float) -> None:
    """Line one side with houses; ``side`` is the sign of x."""
    rng = shop.rng
    z = -_HALF_LENGTH_M + float(rng.uniform(0.0, 5.0))
    while z < _HALF_LENGTH_M:
        width = float(rng.uniform(8.0, 14.0))
        setback = float(rng.uniform(_NEAREST_FRONT_M, _FARTHEST_FRONT_M))
        height = float(rng.uniform(9.0, 17.0))
        nearest_z = max(0.0, abs(z + width / 2) - width / 2)
        # Seen from the street the left end is the nearer one on the left side (x < 0).
        start = (side * setback, z + width) if side > 0 else (side * setback, z)
        front = Front(
            start,
            (0.0, -side),
            width,
            height,
            float(np.hypot(setback, nearest_z)),
            has_relief=nearest_z < 26.0,
        )
        add_building(shop, front, has_shop=bool(rng.random() < 0.7))
        z += width + (float(rng.uniform(1.5, 4.0)) if rng.random() < 0.25 else 0.0)


def _add_ends(shop: Workshop) -> None:
    for side in (-1.0, 1.0):
        z = side * (_HALF_LENGTH_M + 16.0)
        start = (-14.0, z) if side > 0 else (14.0, z)
        front = Front(start, (side, 0.0), 28.0, 13.0, 50.0, has_relief=False)
        add_building(shop, front)


def _add_furniture(shop: Workshop) -> None:
    rng = shop.rng
    for side in (-1.0, 1.0):
        z = -24.0 + float(rng.uniform(0.0, 4.0))
        while z < 24.0:
            distance = float(np.hypot(3.0, max(abs(z) - 2.0, 0.0)))
            if rng.random() < 0.62:
                add_car(shop, side * (_HALF_ROAD_M - 1.05), z, distance)
            z += float(rng.uniform(5.2, 7.5))
        for z in np.arange(-28.0, 29.0, 14.0) + rng.uniform(-3.0, 3.0):
            distance = float(np.hypot(5.0, z))
            add_pole(shop, side * 5.0, float(z), distance, 6.0, 0.07)
        for z in rng.uniform(-20.0, 20.0, 3):
            distance = float(np.hypot(4.5, z))
            add_tree(shop, side * float(rng.uniform(5.4, 6.0)), float(z), distance, 1.25)
        add_sign(shop, side * 4.8, float(rng.uniform(4.0, 9.0)), 7.0)
        z = float(rng.uniform(-8.0, 8.0))
        bin_material = shop.rough_material(shop.colour(40.0, 110.0), 5.0, 0.12, 0.7)
        add_box(shop, (side * 5.2, z), (0.5, 0.95, 0.5), bin_material, lift_m=_KERB_M)
