"""House fronts: a painted wall with windows, shops and signs, and the ledges that stand out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.panorama.simulation.paint.textures import (
    Canvas,
    Colour,
    blocks,
    draw_colour,
    fill,
    print_text,
    rough,
    shade_box,
)
from tasks.panorama.types import Float32Array

Box = tuple[float, float, float, float]

_WALLS: tuple[Colour, ...] = (
    (78.0, 98.0, 150.0),
    (120.0, 150.0, 178.0),
    (150.0, 172.0, 188.0),
    (104.0, 122.0, 136.0),
    (92.0, 128.0, 170.0),
    (150.0, 156.0, 160.0),
    (128.0, 140.0, 122.0),
)
_FRAMES: tuple[Colour, ...] = ((205.0, 210.0, 212.0), (58.0, 62.0, 70.0), (70.0, 88.0, 62.0))
_SIGNS: tuple[Colour, ...] = (
    (60.0, 50.0, 150.0),
    (130.0, 70.0, 30.0),
    (50.0, 110.0, 40.0),
    (40.0, 160.0, 200.0),
    (40.0, 40.0, 44.0),
)
_SHOP_HEIGHT_M = 3.6


@dataclass(frozen=True)
class Facade:
    """A painted front and what stands out of it.

    Attributes:
        picture: (h, w, 3) BGR.
        windows: Upper windows: left, top, width, height in metres from the top left corner.
        ledges: Bands that run along the front, likewise.
        sign: The shop's sign board.
    """

    picture: Float32Array
    windows: tuple[Box, ...]
    ledges: tuple[Box, ...]
    sign: Box


def paint_facade(canvas: Canvas, *, has_shop: bool = True) -> Facade:
    """Paint a house front with rows of windows over a shop (or over more windows)."""
    rng = canvas.rng
    wall = _WALLS[rng.integers(len(_WALLS))]
    picture = _paint_wall(canvas, wall)
    frame = _FRAMES[rng.integers(len(_FRAMES))]
    ground_m = _SHOP_HEIGHT_M if has_shop else 0.5
    storey_m = float(rng.uniform(2.9, 3.5))
    num_storeys = max(1, int((canvas.height_m - ground_m - 0.6) / storey_m))
    first_top_m = canvas.height_m - ground_m - num_storeys * storey_m
    windows = _place_windows(canvas, storey_m, num_storeys, first_top_m)
    for box in windows:
        _paint_window(picture, canvas, box, frame)
    ledges = tuple(
        (0.0, first_top_m + number * storey_m - 0.15, canvas.width_m, 0.22)
        for number in range(num_storeys + 1)
    )
    sign = (0.5, canvas.height_m - _SHOP_HEIGHT_M + 0.15, canvas.width_m - 1.0, 0.65)
    if has_shop:
        _paint_shop(picture, canvas, frame, sign)
    streaks = canvas.noise(1.2, 0.8)
    picture *= (1.0 + 0.05 * streaks)[..., None]
    shade_box(picture, canvas, (0.0, canvas.height_m - 0.4, canvas.width_m, 0.4), 0.8)
    return Facade(np.clip(picture, 3.0, 228.0), windows, ledges, sign)


def _paint_wall(canvas: Canvas, colour: Colour) -> Float32Array:
    style = canvas.rng.integers(3)
    if style == 0:
        return blocks(canvas, colour, (0.25, 0.077), 0.012, joint_factor=1.22, variety=0.13)
    if style == 1:
        return blocks(canvas, colour, (0.8, 0.4), 0.018, joint_factor=0.72, variety=0.06)
    return rough(canvas, colour, 0.08, 2.5)


def _place_windows(
    canvas: Canvas, storey_m: float, num_storeys: int, first_top_m: float
) -> tuple[Box, ...]:
    rng = canvas.rng
    width_m, height_m = float(rng.uniform(0.95, 1.4)), float(rng.uniform(1.45, 1.9))
    num_columns = max(1, int(canvas.width_m / float(rng.uniform(2.1, 3.0))))
    pitch_m = canvas.width_m / num_columns
    return tuple(
        (
            (column + 0.5) * pitch_m - width_m / 2,
            first_top_m + row * storey_m + 0.55,
            width_m,
            height_m,
        )
        for row in range(num_storeys)
        for column in range(num_columns)
    )


def _paint_window(picture: Float32Array, canvas: Canvas, box: Box, frame: Colour) -> None:
    left, top, width, height = box
    rng = canvas.rng
    surround = (left - 0.12, top - 0.12, width + 0.24, height + 0.24)
    fill(picture, canvas, surround, (172.0, 178.0, 182.0))
    shade_box(picture, canvas, (left - 0.12, top + height, width + 0.24, 0.12), 0.75)
    fill(picture, canvas, box, frame)
    glass_grey = float(rng.uniform(48.0, 100.0))
    panes = [
        (left + 0.07 + column * (width / 2 - 0.02), top + 0.07 + row * (0.36 * height - 0.02))
        for row in range(2)
        for column in range(2)
    ]
    for index, (x, y) in enumerate(panes):
        pane_height = (0.36 * height if index < 2 else 0.64 * height) - 0.12
        tone = draw_colour(rng, 0.8 * glass_grey, 1.2 * glass_grey, 0.15)
        fill(picture, canvas, (x, y, width / 2 - 0.12, pane_height), tone)
        shine = float(rng.uniform(0.1, 0.6)) * pane_height
        shade_box(picture, canvas, (x, y, width / 2 - 0.12, shine), 1.35)
    if rng.random() < 0.55:
        curtain = draw_colour(rng, 110.0, 180.0)
        share = float(rng.uniform(0.15, 0.35))
        for x in (left + 0.07, left + width * (1 - share) - 0.07):
            fill(picture, canvas, (x, top + 0.07, share * width, height - 0.14), curtain)
            for fold in np.arange(0.02, share * width, 0.09):
                shade_box(picture, canvas, (x + float(fold), top + 0.07, 0.04, height - 0.14), 0.8)


def _paint_shop(picture: Float32Array, canvas: Canvas, frame: Colour, sign: Box) -> None:
    rng = canvas.rng
    base_top = canvas.height_m - _SHOP_HEIGHT_M
    plinth: Box = (0.0, base_top, canvas.width_m, _SHOP_HEIGHT_M)
    fill(picture, canvas, plinth, draw_colour(rng, 80.0, 150.0))
    shade = 1.0 + 0.08 * canvas.noise(1.0)
    rows = slice(round(base_top / canvas.height_m * picture.shape[0]), picture.shape[0])
    picture[rows] *= shade[rows, :, None]
    board = _SIGNS[rng.integers(len(_SIGNS))]
    fill(picture, canvas, sign, board)
    print_text(picture, canvas, sign, (215.0, 222.0, 224.0))
    left = 0.4
    while left < canvas.width_m - 1.3:
        width = float(rng.uniform(1.1, 2.6))
        width = min(width, canvas.width_m - left - 0.4)
        if rng.random() < 0.3:
            _paint_door(picture, canvas, left, frame)
            left += 1.4
            continue
        _paint_display(picture, canvas, (left, base_top + 1.0, width, 2.0), frame)
        left += width + float(rng.uniform(0.2, 0.5))


def _paint_door(picture: Float32Array, canvas: Canvas, left: float, frame: Colour) -> None:
    top = canvas.height_m - 2.45
    tone = draw_colour(canvas.rng, 40.0, 110.0, 0.5)
    fill(picture, canvas, (left - 0.08, top - 0.08, 1.16, 2.53), frame)
    fill(picture, canvas, (left, top, 1.0, 2.45), tone)
    for row in range(3):
        for column in range(2):
            panel = (left + 0.1 + 0.42 * column, top + 0.15 + 0.75 * row, 0.36, 0.6)
            shade_box(picture, canvas, panel, 0.7)
    fill(picture, canvas, (left + 0.88, top + 1.2, 0.06, 0.16), (60.0, 170.0, 200.0))


def _paint_display(picture: Float32Array, canvas: Canvas, box: Box, frame: Colour) -> None:
    rng = canvas.rng
    left, top, width, height = box
    fill(picture, canvas, (left - 0.08, top - 0.08, width + 0.16, height + 0.16), frame)
    fill(picture, canvas, box, draw_colour(rng, 40.0, 75.0))
    for _ in range(int(9 * width)):
        size = rng.uniform(0.08, 0.45, 2)
        x = left + float(rng.uniform(0.0, max(width - size[0], 0.01)))
        y = top + float(rng.uniform(0.2, max(height - size[1], 0.3)))
        tone = draw_colour(rng, 50.0, 170.0, 0.45)
        item = (x, y, min(float(size[0]), left + width - x), min(float(size[1]), top + height - y))
        fill(picture, canvas, item, tone)
        if rng.random() < 0.4:
            print_text(picture, canvas, item, (225.0, 225.0, 225.0), num_lines=2)
