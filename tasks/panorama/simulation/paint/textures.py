"""Pictures of building materials, furniture and print, painted from a seed.

Each painter takes a `Canvas` description (size in metres, raster) and returns (h, w, 3) float32
BGR 0..255. A finer raster shows the same picture with more detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.simulation.paint.noise import fractal, raster_size
from tasks.panorama.types import Float32Array

Colour = tuple[float, float, float]

_LETTERS = "ABCDEFGHIKLMNOPRSTUVXZ"


@dataclass(frozen=True)
class Canvas:
    """What a painter paints on.

    Attributes:
        rng: Generator of the painting.
        width_m: Width.
        height_m: Height.
        texels_per_m: Raster.
    """

    rng: np.random.Generator
    width_m: float
    height_m: float
    texels_per_m: float

    def noise(self, coarsest_m: float, persistence: float = 0.75) -> Float32Array:
        """Draw a random field over the canvas; see `fractal`."""
        size_m = (self.width_m, self.height_m)
        return fractal(self.rng, size_m, self.texels_per_m, coarsest_m, persistence)

    def plain(self, colour: Colour) -> Float32Array:
        """Return an evenly coloured picture."""
        width_px, height_px = raster_size((self.width_m, self.height_m), self.texels_per_m)
        return np.full((height_px, width_px, 3), colour, np.float32)

    def grid_m(self) -> tuple[Float32Array, Float32Array]:
        """Return the places of the texels' centres: (1, w) and (h, 1) metres."""
        width_px, height_px = raster_size((self.width_m, self.height_m), self.texels_per_m)
        x = (np.arange(width_px, dtype=np.float32) + 0.5) * (self.width_m / width_px)
        y = (np.arange(height_px, dtype=np.float32) + 0.5) * (self.height_m / height_px)
        return x[None, :], y[:, None]


def draw_colour(rng: np.random.Generator, low: float, high: float, tint: float = 0.25) -> Colour:
    """Draw a muted colour: a grey with each channel off by up to ``tint``."""
    grey = rng.uniform(low, high)
    blue, green, red = grey * rng.uniform(1.0 - tint, 1.0 + tint, 3)
    return float(blue), float(green), float(red)


def fill(
    picture: Float32Array,
    canvas: Canvas,
    box_m: tuple[float, float, float, float],
    colour: Colour | Float32Array,
) -> None:
    """Paint a rectangle (left, top, width, height in metres), in place."""
    rows, columns = _window(picture, canvas, box_m)
    picture[rows, columns] = colour


def shade_box(
    picture: Float32Array,
    canvas: Canvas,
    box_m: tuple[float, float, float, float],
    factor: float,
) -> None:
    """Darken or lighten a rectangle, in place."""
    rows, columns = _window(picture, canvas, box_m)
    picture[rows, columns] *= factor


def rough(canvas: Canvas, colour: Colour, contrast: float, coarsest_m: float) -> Float32Array:
    """Paint plaster, concrete, leaves, cloth: one colour with blotches at all scales."""
    picture = canvas.plain(colour)
    picture *= (1.0 + contrast * canvas.noise(coarsest_m))[..., None]
    picture += (4.0 * contrast / 0.1) * canvas.noise(coarsest_m / 2)[..., None] * (0.6, 0.0, -0.6)
    return np.asarray(np.clip(picture, 4.0, 235.0), np.float32)


def blocks(
    canvas: Canvas,
    colour: Colour,
    block_m: tuple[float, float],
    joint_m: float,
    *,
    joint_factor: float = 0.7,
    variety: float = 0.12,
) -> Float32Array:
    """Paint bricks, paving or planks: rows of blocks, every second row shifted by half."""
    x, y = canvas.grid_m()
    row = np.floor(y / block_m[1])
    shifted = x + 0.5 * block_m[0] * np.mod(row, 2)
    column = np.floor(shifted / block_m[0])
    shape = (int(row.max()) + 1, int(column.max()) + 1)
    tones = canvas.rng.spawn(1)[0].standard_normal((*shape, 3), dtype=np.float32)
    tones = np.float32(1.0) + np.float32(variety) * (
        np.float32(0.9) * tones[..., :1] + np.float32(0.15) * tones
    )
    rows = np.broadcast_to(row, column.shape).astype(np.int64)
    picture = canvas.plain(colour) * tones[rows, column.astype(np.int64)]
    picture *= (1.0 + 0.07 * canvas.noise(1.0, 0.9))[..., None]
    in_joint = (np.mod(y, block_m[1]) < joint_m) | (np.mod(shifted, block_m[0]) < joint_m)
    picture[in_joint] *= joint_factor
    return np.asarray(np.clip(picture, 4.0, 235.0), np.float32)


def asphalt(canvas: Canvas) -> Float32Array:
    """Paint a road surface with patches and cracks, without markings."""
    picture = rough(canvas, (112.0, 110.0, 108.0), 0.07, 3.0)
    picture *= (1.0 + 0.10 * canvas.noise(0.06, 0.95))[..., None]
    cracks = np.abs(canvas.noise(2.5, 0.55)) < 0.02
    picture[cracks] *= 0.6
    return picture


def boards(canvas: Canvas, colour: Colour, board_m: tuple[float, float]) -> Float32Array:
    """Paint wooden boards with grain along x."""
    picture = blocks(canvas, colour, board_m, 0.006, joint_factor=0.45, variety=0.10)
    grain = Canvas(canvas.rng, canvas.width_m / 8, canvas.height_m, canvas.texels_per_m)
    stretched = cv2.resize(grain.noise(0.25, 0.9), picture.shape[1::-1])
    return np.asarray(
        np.clip(picture * (1.0 + 0.12 * stretched)[..., None], 4.0, 235.0), np.float32
    )


def print_text(
    picture: Float32Array,
    canvas: Canvas,
    box_m: tuple[float, float, float, float],
    colour: Colour,
    num_lines: int = 1,
) -> None:
    """Print lines of random capitals into a rectangle, in place."""
    rng = canvas.rng
    rows, columns = _window(picture, canvas, box_m)
    height_px, width_px = rows.stop - rows.start, columns.stop - columns.start
    letters_per_line = max(2, round(1.3 * num_lines * box_m[2] / box_m[3]))
    lines = ["".join(rng.choice(list(_LETTERS), letters_per_line)) for _ in range(num_lines)]
    if min(height_px, width_px) < 4:
        return
    ink = np.zeros((height_px, width_px), np.uint8)
    pitch = height_px / num_lines
    for number, line in enumerate(lines):
        thickness = max(1, round(pitch * 0.08))
        scale = 0.62 * pitch / 22.0
        (long_px, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        scale *= min(1.0, 0.95 * width_px / max(long_px, 1))
        foot = (round(0.03 * width_px), round((number + 0.78) * pitch))
        cv2.putText(ink, line, foot, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    share = (ink.astype(np.float32) / 255.0)[..., None]
    picture[rows, columns] += share * (np.array(colour, np.float32) - picture[rows, columns])


def poster(canvas: Canvas) -> Float32Array:
    """Paint a poster or painting: coloured shapes, blotches, a few lines of print."""
    rng = canvas.rng
    base, light, dark = (draw_colour(rng, low, high, 0.35) for low, high in _POSTER_TONES)
    picture = rough(canvas, base, 0.08, 0.3)
    width_m, height_m = canvas.width_m, canvas.height_m
    texels = picture.shape[1] / width_m
    for _ in range(6):
        centre = rng.uniform(0.1, 0.9, 2) * (width_m, 0.7 * height_m)
        radius_m = rng.uniform(0.06, 0.25) * min(width_m, height_m)
        tone = draw_colour(rng, 40.0, 180.0, 0.5)
        spot = tuple(int(v * texels) for v in centre)
        if rng.random() < 0.5:
            cv2.circle(picture, spot, int(radius_m * texels), tone, -1, cv2.LINE_AA)
        else:
            far = tuple(int((v + 1.5 * radius_m) * texels) for v in centre)
            cv2.rectangle(picture, spot, far, tone, -1)
    picture *= (1.0 + 0.06 * canvas.noise(0.15))[..., None]
    upper = (0.06 * width_m, 0.04 * height_m, 0.88 * width_m, 0.16 * height_m)
    print_text(picture, canvas, upper, light)
    lower = (0.08 * width_m, 0.74 * height_m, 0.84 * width_m, 0.22 * height_m)
    print_text(picture, canvas, lower, dark, num_lines=3)
    edge_m = 0.025 * min(width_m, height_m)
    for box_m in (
        (0.0, 0.0, width_m, edge_m),
        (0.0, height_m - edge_m, width_m, edge_m),
        (0.0, 0.0, edge_m, height_m),
        (width_m - edge_m, 0.0, edge_m, height_m),
    ):
        fill(picture, canvas, box_m, dark)
    return np.asarray(np.clip(picture, 4.0, 235.0), np.float32)


_POSTER_TONES = ((60.0, 190.0), (190.0, 230.0), (10.0, 60.0))


def _window(
    picture: Float32Array, canvas: Canvas, box_m: tuple[float, float, float, float]
) -> tuple[slice, slice]:
    height_px, width_px = picture.shape[:2]
    x_scale, y_scale = width_px / canvas.width_m, height_px / canvas.height_m
    left, top, width_m, height_m = box_m
    columns = slice(
        min(width_px, max(0, round(left * x_scale))),
        min(width_px, max(0, round((left + width_m) * x_scale))),
    )
    rows = slice(
        min(height_px, max(0, round(top * y_scale))),
        min(height_px, max(0, round((top + height_m) * y_scale))),
    )
    return rows, columns
