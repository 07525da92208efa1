"""Houses: a painted front with sills, ledges, a shop sign and bare side walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.simulation.paint.textures import draw_colour, print_text
from tasks.panorama.simulation.scenes.facades import Box, paint_facade
from tasks.panorama.simulation.scenes.workshop import Workshop
from tasks.panorama.types import FloatArray


@dataclass(frozen=True)
class Front:
    """Where a house front stands.

    Attributes:
        start_m: (x, z) of its left end as seen from the street.
        along: (x, z) unit vector from the left to the right end.
        width_m: Width.
        height_m: Height.
        distance_m: Distance of the camera, for the raster.
        depth_m: How far the side walls reach back.
        has_relief: Whether ledges and sills stand out.
    """

    start_m: tuple[float, float]
    along: tuple[float, float]
    width_m: float
    height_m: float
    distance_m: float
    depth_m: float = 6.0
    has_relief: bool = True

    def at(self, along_m: float, height_m: float, out_m: float, ground_y_m: float) -> FloatArray:
        """Point of the front: metres along it, above the ground, out of the wall."""
        along = np.array([self.along[0], 0.0, self.along[1]])
        out = np.array([self.along[1], 0.0, -self.along[0]])
        start = np.array([self.start_m[0], ground_y_m - height_m, self.start_m[1]])
        return np.asarray(start + along_m * along + out_m * out)


def add_building(shop: Workshop, front: Front, *, has_shop: bool = True) -> None:
    """Build a house."""
    canvas = shop.canvas(front.width_m, front.height_m, front.distance_m)
    facade = paint_facade(canvas, has_shop=has_shop)
    wall = shop.material(canvas, facade.picture)
    _add_slab(shop, front, (0.0, 0.0, front.width_m, front.height_m), 0.0, wall)
    side = shop.rough_material(
        draw_colour(shop.rng, 95.0, 150.0, 0.12), front.distance_m, 0.08, 3.0
    )
    for edge in (0.0, front.width_m):
        start = front.at(edge, front.height_m, 0.0, shop.ground_y_m)
        back = front.at(edge, front.height_m, -front.depth_m, shop.ground_y_m) - start
        shop.builder.flat(start, back, (0.0, front.height_m, 0.0), side)
    ends = [front.at(edge, 0.0, out, 0.0)[[0, 2]] for edge, out in _corners(front)]
    low, high = np.min(ends, axis=0), np.max(ends, axis=0)
    shop.shadow_of_box(
        (float(low[0]), float(low[1])),
        (float(high[0]), float(high[1])),
        shop.ground_y_m - front.height_m,
    )
    if front.has_relief:
        _add_relief(shop, front, facade.windows, facade.ledges)
        if has_shop:
            _add_sign_board(shop, front, facade.sign)


def _corners(front: Front) -> tuple[tuple[float, float], ...]:
    return tuple((edge, out) for edge in (0.0, front.width_m) for out in (0.0, -front.depth_m))


def _add_relief(
    shop: Workshop, front: Front, windows: tuple[Box, ...], ledges: tuple[Box, ...]
) -> None:
    stone = shop.rough_material(
        draw_colour(shop.rng, 135.0, 180.0, 0.06), front.distance_m, 0.07, 1.0
    )
    for ledge in ledges[:-1]:
        _add_slab(shop, front, ledge, 0.16, stone)
    cornice = (-0.1, -0.25, front.width_m + 0.2, 0.45)
    _add_slab(shop, front, cornice, 0.45, stone)
    for left, top, width, height in windows:
        _add_slab(shop, front, (left - 0.14, top + height, width + 0.28, 0.09), 0.18, stone)
        _add_slab(shop, front, (left - 0.10, top - 0.20, width + 0.20, 0.12), 0.12, stone)


def _add_sign_board(shop: Workshop, front: Front, sign: Box) -> None:
    canvas = shop.canvas(sign[2], sign[3], front.distance_m)
    picture = canvas.plain(shop.colour(25.0, 150.0))
    picture *= (1.0 + 0.05 * canvas.noise(0.8))[..., None]
    print_text(picture, canvas, (0.1, 0.05, sign[2] - 0.2, sign[3] - 0.1), (222.0, 226.0, 228.0))
    _add_slab(shop, front, sign, 0.14, shop.material(canvas, picture))


def _add_slab(shop: Workshop, front: Front, box: Box, out_m: float, material: int) -> None:
    """Add a box that stands out of the wall; ``box`` in metres from the top left corner."""
    left, top, width, height = box
    above = front.height_m - top
    ground = shop.ground_y_m
    start = front.at(left, above, out_m, ground)
    along = front.at(left + width, above, out_m, ground) - start
    shop.builder.flat(start, along, (0.0, height, 0.0), material)
    if out_m <= 0.0:
        return
    inward = front.at(left, above, 0.0, ground) - start
    for edge in (start, start + along):
        shop.builder.flat(edge, inward, (0.0, height, 0.0), material)
    if start[1] > 0.0:
        shop.builder.flat(start + inward, along, -inward, material)
    if start[1] + height < 0.0:
        below = start + np.array([0.0, height, 0.0])
        shop.builder.flat(below, along, inward, material, brightness=0.7)
