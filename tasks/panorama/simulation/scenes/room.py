"""A furnished room: walls 2 to 5 m away, cupboards, shelves, tables, pictures, a lamp; no sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.simulation.paint.textures import (
    Canvas,
    Colour,
    blocks,
    boards,
    draw_colour,
    fill,
    poster,
    rough,
    shade_box,
)
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.scenes.props import add_box, add_pole
from tasks.panorama.simulation.scenes.workshop import Workshop
from tasks.panorama.types import Float32Array

_CAMERA_HEIGHT_M = 1.45
_CEILING_M = 1.75
_HEIGHT_M = _CAMERA_HEIGHT_M + _CEILING_M
_NEAREST_WALL_M, _FARTHEST_WALL_M = 2.3, 4.8
_WALL_RASTER_M = 2.2


@dataclass(frozen=True)
class _Wall:
    """A wall seen from inside: its left end (x, z), its direction, its length."""

    start: tuple[float, float]
    along: tuple[float, float]
    length_m: float

    def at(self, along_m: float, out_m: float) -> tuple[float, float]:
        """Point (x, z) at a length along the wall and a distance into the room."""
        (x, z), (dx, dz) = self.start, self.along
        return x + along_m * dx + out_m * dz, z + along_m * dz - out_m * dx


def build_room(rng: np.random.Generator, focal_px: float) -> Scene:
    """Build a room around the rig."""
    shop = Workshop(rng, focal_px, _CAMERA_HEIGHT_M)
    shop.builder.sun, shop.builder.ambient = (0.35, -0.8, 0.3), 0.72
    left, right, back, front = rng.uniform(_NEAREST_WALL_M, _FARTHEST_WALL_M, 4)
    walls = (
        _Wall((-left, front), (1.0, 0.0), left + right),
        _Wall((right, front), (0.0, -1.0), front + back),
        _Wall((right, -back), (-1.0, 0.0), left + right),
        _Wall((-left, -back), (0.0, 1.0), front + back),
    )
    _add_shell(shop, walls)
    for number, wall in enumerate(walls):
        _furnish(shop, wall, has_window=number == 0)
    _add_middle(shop, float(min(left, right, back, front)))
    return shop.builder.build(None, shop.ground_light(has_sun=False))


def _add_shell(shop: Workshop, walls: tuple[_Wall, ...]) -> None:
    floor_canvas = shop.canvas(3.0, 3.0, 1.5)
    planks = boards(floor_canvas, (78.0, 112.0, 150.0), (1.1, 0.12))
    floor = shop.material(floor_canvas, planks, on_ground=True)
    ceiling_canvas = shop.canvas(3.6, 3.6, 1.8)
    panels = blocks(ceiling_canvas, (184.0, 190.0, 192.0), (1.2, 0.6), 0.012, variety=0.03)
    ceiling = shop.material(ceiling_canvas, panels)
    (x0, z1), (x1, z0) = walls[0].start, walls[2].start
    for height, material, brightness in (
        (shop.ground_y_m, floor, 1.0),
        (-_CEILING_M, ceiling, 1.3),
    ):
        corner, along, across = (x0, height, z0), (x1 - x0, 0.0, 0.0), (0.0, 0.0, z1 - z0)
        shop.builder.flat(corner, along, across, material, brightness=brightness)
    tone = draw_colour(shop.rng, 140.0, 185.0, 0.12)
    for wall in walls:
        canvas = shop.canvas(wall.length_m, _HEIGHT_M, _WALL_RASTER_M)
        material = shop.material(canvas, _wallpaper(canvas, tone))
        _add_panel(shop, wall, (0.0, 0.0, wall.length_m, _HEIGHT_M), 0.0, material)


def _wallpaper(canvas: Canvas, tone: Colour) -> Float32Array:
    """Wall with a repeating pattern above a wooden skirting."""
    picture = rough(canvas, tone, 0.035, 1.5)
    x, y = canvas.grid_m()
    wave = np.cos(2 * np.pi * x / 0.24) * np.cos(2 * np.pi * y / 0.24)
    picture[wave > 0.45] *= 0.86
    picture[np.abs(wave) < 0.06] *= 1.05
    picture *= (1.0 + 0.05 * canvas.noise(0.5, 0.9))[..., None]
    skirting = (0.0, canvas.height_m - 0.12, canvas.width_m, 0.12)
    fill(picture, canvas, skirting, (70.0, 96.0, 122.0))
    shade_box(picture, canvas, (0.0, canvas.height_m - 0.12, canvas.width_m, 0.015), 0.6)
    return np.minimum(picture, 226.0)


def _furnish(shop: Workshop, wall: _Wall, *, has_window: bool) -> None:
    """Stand furniture along a wall and hang pictures over it."""
    rng = shop.rng
    place = float(rng.uniform(0.15, 0.5))
    while place < wall.length_m - 0.9:
        width = min(float(rng.uniform(0.8, 1.6)), wall.length_m - place - 0.1)
        kind = int(rng.integers(4))
        if has_window and place > 0.3 * wall.length_m:
            _add_window(shop, wall, place, width)
            has_window = False
        elif kind == 0:
            _add_shelf(shop, wall, place, width)
        elif kind == 1:
            _add_cupboard(shop, wall, place, width)
        else:
            _hang_picture(shop, wall, place, width)
        place += width + float(rng.uniform(0.1, 0.5))


def _add_panel(
    shop: Workshop,
    wall: _Wall,
    box: tuple[float, float, float, float],
    out_m: float,
    material: int,
) -> None:
    """Put a flat thing in front of a wall; ``box``: left, top, width, height from its corner."""
    left, top, width, height = box
    x, z = wall.at(left, out_m)
    shop.builder.flat(
        (x, top - _CEILING_M, z),
        (width * wall.along[0], 0.0, width * wall.along[1]),
        (0.0, height, 0.0),
        material,
    )


def _add_block(
    shop: Workshop,
    wall: _Wall,
    box: tuple[float, float, float, float],
    depth_m: float,
    materials: tuple[int, int],
) -> None:
    """Put a box against a wall: front material, side material."""
    left, top, width, height = box
    front, side = materials
    near, far = wall.at(left, depth_m), wall.at(left + width, 0.0)
    y = top - _CEILING_M
    low = (min(near[0], far[0]), y, min(near[1], far[1]))
    high = (max(near[0], far[0]), y + height, max(near[1], far[1]))
    shop.builder.box(low, high, side)
    _add_panel(shop, wall, box, depth_m + 0.004, front)
    if high[1] > shop.ground_y_m - 0.1:
        shop.shadow_of_box((low[0], low[2]), (high[0], high[2]), y)


def _hang_picture(shop: Workshop, wall: _Wall, place: float, width: float) -> None:
    height = float(shop.rng.uniform(0.5, 1.1))
    top = float(shop.rng.uniform(0.5, 0.9))
    canvas = shop.canvas(width, height, _WALL_RASTER_M)
    picture = shop.material(canvas, poster(canvas))
    frame = shop.rough_material(draw_colour(shop.rng, 40.0, 110.0, 0.2), 2.0, 0.1, 0.5)
    _add_block(shop, wall, (place, top, width, height), 0.035, (picture, frame))
    if shop.rng.random() < 0.6:
        low = float(shop.rng.uniform(0.45, 0.8))
        canvas = shop.canvas(width, low, _WALL_RASTER_M)
        chest = boards(canvas, _wood_tone(shop), (width, 0.24))
        for row in np.arange(0.1, low - 0.1, 0.24):
            fill(
                canvas=canvas,
                picture=chest,
                box_m=(width / 2 - 0.06, float(row), 0.12, 0.03),
                colour=(60.0, 150.0, 180.0),
            )
        wood = shop.material(canvas, chest)
        _add_block(shop, wall, (place, _HEIGHT_M - low, width, low), 0.42, (wood, wood))


def _add_window(shop: Workshop, wall: _Wall, place: float, width: float) -> None:
    """A bright window, nearly without texture, in a deep frame."""
    canvas = shop.canvas(width, 1.3, _WALL_RASTER_M)
    picture = rough(canvas, (214.0, 206.0, 196.0), 0.012, 0.8)
    for left in (0.0, width / 2 - 0.03, width - 0.06):
        fill(picture, canvas, (left, 0.0, 0.06, 1.3), (150.0, 156.0, 160.0))
    for top in (0.0, 0.42, 1.24):
        fill(picture, canvas, (0.0, top, width, 0.06), (150.0, 156.0, 160.0))
    pane = shop.material(canvas, picture)
    frame = shop.rough_material((170.0, 174.0, 176.0), 2.0, 0.05, 0.5)
    _add_block(shop, wall, (place, 0.5, width, 1.3), 0.05, (pane, frame))
    _add_block(shop, wall, (place - 0.05, 1.8, width + 0.1, 0.05), 0.22, (frame, frame))


def _add_shelf(shop: Workshop, wall: _Wall, place: float, width: float) -> None:
    """A bookcase: rows of spines, boards that stand out before them."""
    height = float(shop.rng.uniform(1.6, 2.2))
    canvas = shop.canvas(width, height, 1.9)
    picture = canvas.plain((32.0, 38.0, 44.0))
    pitch = 0.36
    for row in np.arange(0.04, height - pitch + 0.02, pitch):
        _paint_books(picture, canvas, float(row), pitch)
    picture *= (1.0 + 0.06 * canvas.noise(0.1))[..., None]
    spines = shop.material(canvas, np.clip(picture, 3.0, 225.0))
    wood = shop.rough_material(_wood_tone(shop), 1.9, 0.12, 0.8)
    top = _HEIGHT_M - height
    _add_block(shop, wall, (place, top, width, height), 0.26, (spines, wood))
    for row in np.arange(0.0, height + 0.01, pitch):
        _add_block(shop, wall, (place, top + float(row), width, 0.03), 0.31, (wood, wood))


def _wood_tone(shop: Workshop) -> Colour:
    """Draw the colour of a piece of furniture: mostly brown, now and then painted."""
    if shop.rng.random() < 0.2:
        return draw_colour(shop.rng, 90.0, 165.0, 0.2)
    blue, green, red = np.array([78.0, 112.0, 148.0]) * shop.rng.uniform(0.45, 1.2)
    return float(blue), float(green), float(red)


def _paint_books(picture: Float32Array, canvas: Canvas, top: float, pitch: float) -> None:
    rng, left = canvas.rng, 0.03
    while left < canvas.width_m - 0.08:
        thick, tall = float(rng.uniform(0.02, 0.06)), float(rng.uniform(0.20, 0.31))
        book = (left, top + pitch - 0.04 - tall, thick, tall)
        fill(picture, canvas, book, draw_colour(rng, 40.0, 170.0, 0.45))
        band = (left, book[1] + float(rng.uniform(0.02, 0.6)) * tall, thick, 0.03)
        fill(picture, canvas, band, draw_colour(rng, 120.0, 210.0, 0.2))
        shade_box(picture, canvas, (left, book[1], 0.004, tall), 0.5)
        left += thick + (float(rng.uniform(0.0, 0.1)) if rng.random() < 0.12 else 0.002)


def _add_cupboard(shop: Workshop, wall: _Wall, place: float, width: float) -> None:
    height = float(shop.rng.uniform(0.9, 1.9))
    canvas = shop.canvas(width, height, 1.8)
    picture = boards(canvas, _wood_tone(shop), (0.6, 0.11))
    shade_box(picture, canvas, (width / 2 - 0.006, 0.0, 0.012, height), 0.4)
    for left in (0.08, width / 2 + 0.05):
        shade_box(picture, canvas, (left, 0.1, width / 2 - 0.13, height - 0.2), 0.88)
    for left in (width / 2 - 0.06, width / 2 + 0.03):
        fill(picture, canvas, (left, height / 2, 0.03, 0.12), (50.0, 140.0, 170.0))
    front = shop.material(canvas, picture)
    _add_block(shop, wall, (place, _HEIGHT_M - height, width, height), 0.5, (front, front))
    vase = shop.canvas(0.5, 0.5, 1.8)
    glaze = shop.material(
        vase, blocks(vase, draw_colour(shop.rng, 60.0, 170.0), (0.09, 0.06), 0.01)
    )
    x, z = wall.at(place + 0.4 * width, 0.25)
    top = shop.ground_y_m - height
    shop.builder.ellipsoid((x, top - 0.16, z), (0.11, 0.17, 0.11), glaze)


def _add_middle(shop: Workshop, nearest_wall_m: float) -> None:
    """A rug, a table, stools and a hanging lamp, clear of the rig."""
    rng = shop.rng
    angle = float(rng.uniform(0.0, 2 * np.pi))
    distance = 0.55 * nearest_wall_m + 0.2
    x, z = distance * float(np.sin(angle)), distance * float(np.cos(angle))
    canvas = shop.canvas(1.6, 1.1, 1.4)
    cloth = blocks(canvas, draw_colour(rng, 70.0, 130.0, 0.4), (0.16, 0.11), 0.02, variety=0.25)
    rug = shop.material(canvas, cloth, on_ground=True)
    level = shop.ground_y_m - 0.01
    shop.builder.flat((-x - 0.8, level, -z - 0.55), (1.6, 0.0, 0.0), (0.0, 0.0, 1.1), rug)
    top_canvas = shop.canvas(0.9, 0.6, 1.3)
    top = shop.material(top_canvas, boards(top_canvas, (70.0, 110.0, 160.0), (0.9, 0.12)))
    add_box(shop, (x, z), (0.9, 0.05, 0.6), top, lift_m=0.70)
    for dx, dz in ((-0.38, -0.24), (0.38, -0.24), (-0.38, 0.24), (0.38, 0.24)):
        add_pole(shop, x + dx, z + dz, 1.4, 0.70, 0.03)
    add_pole(shop, -x * 0.9, -z * 0.9, 1.4, 0.5, 0.17)
    shade_canvas = shop.canvas(0.8, 0.4, 1.6)
    shade = shop.material(shade_canvas, rough(shade_canvas, (140.0, 190.0, 212.0), 0.05, 0.2))
    shop.builder.ellipsoid((x, -0.55, z), (0.24, 0.15, 0.24), shade, 1.1)
    cord = shop.rough_material((40.0, 40.0, 40.0), 1.6, 0.1, 0.3)
    shop.builder.cylinder((x, -0.65, z), 0.012, 0.7, cord)
