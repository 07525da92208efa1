"""An open square: kiosks, columns, benches and trees 1.5 to 5 m away, house fronts behind."""

from __future__ import annotations

import numpy as np

from tasks.panorama.simulation.paint.textures import blocks, poster
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.scenes.buildings import Front, add_building
from tasks.panorama.simulation.scenes.props import (
    add_bench,
    add_box,
    add_kiosk,
    add_pole,
    add_tree,
)
from tasks.panorama.simulation.scenes.workshop import Workshop

_CAMERA_HEIGHT_M = 1.7
_HALF_SQUARE_M = 24.0
_NEAREST_M, _FARTHEST_M = 1.7, 5.5
_NUM_NEAR = 11
_NUM_TREES = 7


def build_plaza(rng: np.random.Generator, focal_px: float) -> Scene:
    """Build a square around the rig, on a tripod in its middle."""
    shop = Workshop(rng, focal_px, _CAMERA_HEIGHT_M)
    canvas = shop.canvas(6.0, 6.0, 2.4)
    picture = blocks(canvas, (138.0, 150.0, 158.0), (0.42, 0.28), 0.014, variety=0.11)
    picture *= (1.0 + 0.08 * canvas.noise(3.0, 0.8))[..., None]
    paving = shop.material(canvas, picture, on_ground=True)
    far = _HALF_SQUARE_M + 12.0
    shop.builder.flat(
        (-far, shop.ground_y_m, -far), (2 * far, 0.0, 0.0), (0.0, 0.0, 2 * far), paving
    )
    _add_fronts(shop)
    _add_near_things(shop)
    _add_trees(shop)
    return shop.builder.build(shop.sky(), shop.ground_light())


def _add_fronts(shop: Workshop) -> None:
    """Close the square with a row of houses on each side."""
    for along in ((1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)):
        # The out-of-wall direction of a front is (along z, -along x): towards the middle.
        away = (-along[1], along[0])
        place = -_HALF_SQUARE_M - float(shop.rng.uniform(0.0, 3.0))
        while place < _HALF_SQUARE_M:
            width = float(shop.rng.uniform(9.0, 15.0))
            back = _HALF_SQUARE_M + float(shop.rng.uniform(-2.0, 3.0))
            start = (
                back * away[0] + place * along[0],
                back * away[1] + place * along[1],
            )
            height = float(shop.rng.uniform(8.0, 15.0))
            add_building(shop, Front(start, along, width, height, back, has_relief=True))
            place += width


def _add_near_things(shop: Workshop) -> None:
    """Put small things around the rig, each within a sector of its own."""
    rng = shop.rng
    makers = rng.permutation(np.arange(_NUM_NEAR) % 5)
    for number, maker in enumerate(makers):
        angle = (number + float(rng.uniform(0.2, 0.8))) * 2 * np.pi / _NUM_NEAR
        distance = float(rng.uniform(_NEAREST_M, _FARTHEST_M))
        if maker == 0:
            distance = max(distance, 3.2)
        x, z = distance * float(np.sin(angle)), distance * float(np.cos(angle))
        _make_near_thing(shop, int(maker), x, z, distance)


def _make_near_thing(shop: Workshop, maker: int, x_m: float, z_m: float, distance_m: float) -> None:
    if maker == 0:
        add_kiosk(shop, x_m, z_m, distance_m - 0.7)
    elif maker == 1:
        add_bench(shop, x_m, z_m, distance_m)
    elif maker == 2:
        add_pole(shop, x_m, z_m, distance_m, 3.6, 0.17)
    elif maker == 3:
        add_pole(shop, x_m, z_m, distance_m, 0.95, 0.11)
    else:
        _add_stand(shop, x_m, z_m, distance_m)


def _add_stand(shop: Workshop, x_m: float, z_m: float, distance_m: float) -> None:
    """A block papered with a poster on each side."""
    canvas = shop.canvas(0.9, 1.5, distance_m)
    side = shop.material(canvas, poster(canvas))
    lid = shop.rough_material(shop.colour(60.0, 130.0), distance_m, 0.1, 0.6)
    add_box(shop, (x_m, z_m), (0.9, 1.5, 0.9), side, top=lid)


def _add_trees(shop: Workshop) -> None:
    rng = shop.rng
    for number in range(_NUM_TREES):
        angle = (number + float(rng.uniform(0.1, 0.9))) * 2 * np.pi / _NUM_TREES
        distance = float(rng.uniform(6.0, 14.0))
        x, z = distance * float(np.sin(angle)), distance * float(np.cos(angle))
        add_tree(shop, x, z, distance - 1.0, float(rng.uniform(1.1, 1.6)))
