"""Things that stand about: cars, trees, poles, signs, kiosks, benches."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.simulation.paint.textures import (
    Colour,
    boards,
    fill,
    poster,
    print_text,
    rough,
    shade_box,
)
from tasks.panorama.simulation.scenes.workshop import Workshop
from tasks.panorama.types import BoolArray

_CAR_LENGTH_M, _CAR_WIDTH_M, _CAR_HEIGHT_M = 4.3, 1.75, 1.5
# Outline of a car from the side, from the front bumper, heights above the road.
_CAR_OUTLINE_M = (
    (0.0, 0.35), (0.05, 0.70), (0.25, 0.82), (1.15, 0.95), (1.85, 1.48), (3.05, 1.50),
    (3.75, 1.02), (4.20, 0.95), (4.30, 0.40), (4.20, 0.22), (0.10, 0.22),
)  # fmt: skip
_CAR_STRIPS = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8))
_GLASS: Colour = (74.0, 66.0, 58.0)
_WHEELS_M = (0.82, 3.42)
_WHEEL_RADIUS_M = 0.33


def add_car(shop: Workshop, x_m: float, z_m: float, distance_m: float) -> None:
    """Park a car along z with its middle at a point of the ground."""
    paint = shop.colour(40.0, 190.0)
    side, cutout = _car_side(shop, paint, distance_m)
    body = shop.rough_material(paint, distance_m, 0.04, 1.0)
    glass = shop.rough_material(_GLASS, distance_m, 0.18, 1.0)
    front = z_m - _CAR_LENGTH_M / 2
    ground = shop.ground_y_m
    for edge in (x_m - _CAR_WIDTH_M / 2, x_m + _CAR_WIDTH_M / 2):
        shop.builder.flat(
            (edge, ground - _CAR_HEIGHT_M, front),
            (0.0, 0.0, _CAR_LENGTH_M),
            (0.0, _CAR_HEIGHT_M, 0.0),
            side,
            cutout=cutout,
        )
    left = x_m - _CAR_WIDTH_M / 2
    for first, last in _CAR_STRIPS:
        (z0, h0), (z1, h1) = _CAR_OUTLINE_M[first], _CAR_OUTLINE_M[last]
        shop.builder.flat(
            (left, ground - h0, front + z0),
            (_CAR_WIDTH_M, 0.0, 0.0),
            (0.0, h0 - h1, z1 - z0),
            glass if (first, last) in ((3, 4), (5, 6)) else body,
        )
    foot = (front + 0.1, front + _CAR_LENGTH_M - 0.1)
    shop.shadow_of_box(
        (left + 0.05, foot[0]), (left + _CAR_WIDTH_M - 0.05, foot[1]), ground - _CAR_HEIGHT_M
    )


def _car_side(shop: Workshop, paint: Colour, distance_m: float) -> tuple[int, BoolArray]:
    canvas = shop.canvas(_CAR_LENGTH_M, _CAR_HEIGHT_M, distance_m)
    picture = rough(canvas, paint, 0.03, 1.0)
    scale = picture.shape[1] / _CAR_LENGTH_M

    def texels(points_m: tuple[tuple[float, float], ...]) -> npt.NDArray[np.int32]:
        points = [(z * scale, (_CAR_HEIGHT_M - h) * scale) for z, h in points_m]
        return np.round(points).astype(np.int32)

    for pane in (
        ((1.35, 0.98), (1.92, 1.40), (2.42, 1.42), (2.42, 0.98)),
        ((2.50, 0.98), (2.50, 1.42), (3.00, 1.42), (3.50, 1.02)),
    ):
        cv2.fillPoly(picture, [texels(pane)], _GLASS, cv2.LINE_AA)
    for z in (1.2, 2.45, 3.4):
        shade_box(picture, canvas, (z, 0.55, 0.03, 0.65), 0.5)
    shade_box(picture, canvas, (0.1, 1.05, 4.1, 0.03), 0.6)
    fill(picture, canvas, (2.2, 0.62, 0.18, 0.04), (190.0, 190.0, 190.0))
    fill(picture, canvas, (0.02, 0.72, 0.22, 0.12), (205.0, 215.0, 220.0))
    fill(picture, canvas, (4.1, 0.55, 0.16, 0.14), (40.0, 40.0, 170.0))
    solid = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(solid, [texels(_CAR_OUTLINE_M)], 1)
    for z in _WHEELS_M:
        spot = (round(z * scale), round((_CAR_HEIGHT_M - _WHEEL_RADIUS_M) * scale))
        radius = _WHEEL_RADIUS_M * scale
        cv2.circle(solid, spot, round(radius), 1, -1)
        cv2.circle(picture, spot, round(1.15 * radius), (18.0, 18.0, 18.0), -1, cv2.LINE_AA)
        cv2.circle(picture, spot, round(0.62 * radius), (160.0, 160.0, 158.0), -1, cv2.LINE_AA)
        for turn in np.arange(5) * 2 * np.pi / 5:
            hole = (
                round(spot[0] + 0.36 * radius * float(np.cos(turn))),
                round(spot[1] + 0.36 * radius * float(np.sin(turn))),
            )
            cv2.circle(picture, hole, max(1, round(0.14 * radius)), (50.0,) * 3, -1, cv2.LINE_AA)
    return shop.material(canvas, picture), solid > 0


def add_tree(shop: Workshop, x_m: float, z_m: float, distance_m: float, size: float) -> None:
    """Plant a tree: a trunk and a crown of overlapping ellipsoids."""
    rng, ground = shop.rng, shop.ground_y_m
    bark = shop.rough_material((58.0, 76.0, 92.0), distance_m, 0.22, 0.8)
    green = (float(rng.uniform(30, 60)), float(rng.uniform(95, 130)), float(rng.uniform(60, 105)))
    leaves = shop.rough_material(green, distance_m, 0.34, 1.2)
    trunk_m = 2.2 * size
    shop.builder.cylinder((x_m, ground, z_m), 0.13 * size, trunk_m + 0.6, bark)
    shop.shadow_of_disc((x_m, z_m), 0.13 * size, ground, ground - trunk_m)
    for _ in range(6):
        dx, dy, dz = rng.uniform(-1.0, 1.0, 3) * np.array([0.7, 0.6, 0.7]) * size
        middle = (x_m + dx, ground - trunk_m - 1.0 * size + dy, z_m + dz)
        radius = float(rng.uniform(0.55, 0.95)) * size
        shop.builder.ellipsoid(
            middle, (radius, 0.85 * radius, radius), leaves, float(rng.uniform(0.85, 1.1))
        )
        shop.shadow_of_disc(
            (middle[0], middle[2]), 0.9 * radius, middle[1] + 0.4 * radius, middle[1]
        )


def add_pole(
    shop: Workshop, x_m: float, z_m: float, distance_m: float, height_m: float, radius_m: float
) -> None:
    """Put up a pole, bollard or column, with a lid if it can be seen from above."""
    metal = shop.rough_material(shop.colour(60.0, 120.0), distance_m, 0.10, 0.7)
    ground = shop.ground_y_m
    shop.builder.cylinder((x_m, ground, z_m), radius_m, height_m, metal)
    shop.shadow_of_disc((x_m, z_m), radius_m, ground, ground - height_m)
    if ground - height_m > 0.0:
        size = np.arange(32) - 15.5
        disc = np.hypot(size[:, None], size[None, :]) <= 16.0
        shop.builder.flat(
            (x_m - radius_m, ground - height_m, z_m + radius_m),
            (2 * radius_m, 0.0, 0.0),
            (0.0, 0.0, -2 * radius_m),
            metal,
            cutout=disc,
        )


def add_sign(shop: Workshop, x_m: float, z_m: float, distance_m: float) -> None:
    """Put up a street sign on a pole, facing along z."""
    add_pole(shop, x_m, z_m, distance_m, 2.6, 0.035)
    canvas = shop.canvas(0.7, 0.7, distance_m)
    picture = canvas.plain((40.0, 40.0, 175.0))
    fill(picture, canvas, (0.1, 0.1, 0.5, 0.5), (205.0, 208.0, 208.0))
    print_text(picture, canvas, (0.12, 0.2, 0.46, 0.3), (30.0, 30.0, 30.0))
    size = np.arange(64) - 31.5
    disc = np.hypot(size[:, None], size[None, :]) <= 32.0
    toward = -0.05 if z_m > 0 else 0.05
    start = (x_m - 0.35, shop.ground_y_m - 2.65, z_m + toward)
    shop.builder.flat(
        start, (0.7, 0.0, 0.0), (0.0, 0.7, 0.0), shop.material(canvas, picture), cutout=disc
    )


def add_kiosk(shop: Workshop, x_m: float, z_m: float, distance_m: float) -> None:
    """Put up a kiosk: a box papered with posters under an overhanging roof."""
    rng, ground = shop.rng, shop.ground_y_m
    half, height = float(rng.uniform(0.6, 1.0)), float(rng.uniform(2.2, 2.7))
    canvas = shop.canvas(2 * half, height, distance_m)
    picture = boards(canvas, shop.colour(60.0, 150.0), (1.0, 0.14))
    paper = shop.canvas(1.0, 1.3, distance_m)
    sheet = poster(paper)
    texels_per_m = picture.shape[1] / (2 * half)
    size = (round(1.2 * half * texels_per_m), round(1.3 * texels_per_m))
    top, left = round(0.55 * texels_per_m), round(0.4 * half * texels_per_m)
    picture[top : top + size[1], left : left + size[0]] = cv2.resize(
        sheet, size, interpolation=cv2.INTER_AREA
    )
    print_text(picture, canvas, (0.1, 0.12, 2 * half - 0.2, 0.32), (225.0, 225.0, 225.0))
    walls = shop.material(canvas, picture)
    roof = shop.rough_material(shop.colour(40.0, 110.0), distance_m, 0.10, 1.0)
    shop.builder.box(
        (x_m - half, ground - height, z_m - half), (x_m + half, ground, z_m + half), walls
    )
    eaves = half + 0.25
    shop.builder.box(
        (x_m - eaves, ground - height - 0.18, z_m - eaves),
        (x_m + eaves, ground - height, z_m + eaves),
        roof,
    )
    shop.shadow_of_box((x_m - half, z_m - half), (x_m + half, z_m + half), ground - height)


def add_box(
    shop: Workshop,
    middle_m: tuple[float, float],
    size_m: tuple[float, float, float],
    material: int,
    *,
    lift_m: float = 0.0,
    top: int | None = None,
) -> None:
    """Stand a box (width x, height y, depth z) on the ground or lift_m above it."""
    (x, z), (width, height, depth), ground = middle_m, size_m, shop.ground_y_m
    low = (x - width / 2, ground - lift_m - height, z - depth / 2)
    high = (x + width / 2, ground - lift_m, z + depth / 2)
    shop.builder.box(low, high, material, top=top)
    shop.shadow_of_box((low[0], low[2]), (high[0], high[2]), low[1])


def add_bench(shop: Workshop, x_m: float, z_m: float, distance_m: float) -> None:
    """Set down a bench: a seat of boards on two blocks."""
    canvas = shop.canvas(1.6, 0.5, distance_m)
    wood = shop.material(canvas, boards(canvas, (60.0, 96.0, 138.0), (1.6, 0.1)))
    stone = shop.rough_material((140.0, 142.0, 144.0), distance_m, 0.12, 0.6)
    for end in (-0.6, 0.6):
        add_box(shop, (x_m + end, z_m), (0.18, 0.40, 0.42), stone)
    add_box(shop, (x_m, z_m), (1.6, 0.07, 0.5), wood, lift_m=0.40)
