"""Generated pictures with known boxes, so that a curve of mAP means something.

Shapes of six classes lie on a cluttered background. Colours, textures, sizes and turns are drawn
independently of the class, so a detector has to learn the outlines. Boxes are those of the pixels
that a shape covers, exactly.

An image depends on the seed and on its number alone: a longer set begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from tasks.nas.detection.types import AnnotatedImages, Boxes, Objects

CLASSES = ("disc", "ring", "square", "triangle", "cross", "star")
MAX_OBJECTS = 4
MAX_OVERLAP = 0.05  # IoU of two boxes of one image
_SIZES = (0.22, 0.48)  # diameter over the side of the image
_SUPERSAMPLING = 3  # per side of a pixel
_NUM_PLACES = 20  # tried for one shape
_CONTRAST = 70.0  # least distance of a shape's colours from the mean background, of 255

Image = npt.NDArray[np.floating]
Plane = npt.NDArray[np.float64]


def draw_scenes(num_images: int, side_px: int, seed: int) -> AnnotatedImages:
    """Draw a set of pictures.

    Args:
        num_images: How many.
        side_px: Their side.
        seed: Decides all of it.
    """
    images = np.empty((num_images, side_px, side_px, 3), np.uint8)
    objects = []
    for index in range(num_images):
        images[index], found = draw_scene(side_px, np.random.default_rng([seed, index]))
        objects.append(found)
    return AnnotatedImages.of(CLASSES, images, objects)


def draw_scene(side_px: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], Objects]:
    """Draw one picture, uint8 (side, side, 3), with one to four shapes, and say where they are."""
    picture = _background(side_px, rng)
    mean = picture.mean(axis=(0, 1))
    boxes: list[tuple[float, ...]] = []
    labels: list[int] = []
    for _ in range(rng.integers(1, MAX_OBJECTS + 1)):
        label = int(rng.integers(len(CLASSES)))
        placed = _place(CLASSES[label], side_px, np.array(boxes).reshape(-1, 4), rng)
        if placed is None:
            continue
        cover, box = placed
        paint = _texture(side_px, mean, rng)
        picture = picture + cover[..., None] * (paint - picture)
        boxes.append(box)
        labels.append(label)
    picture = picture + rng.normal(0, 4, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), Objects.of(boxes, labels)


def _place(
    name: str, side_px: int, others: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Plane, tuple[float, ...]] | None:
    """Coverage of each pixel, (side, side), in [0, 1], and the box; None: no room."""
    for _ in range(_NUM_PLACES):
        radius = side_px * rng.uniform(*_SIZES) / 2
        centre = rng.uniform(radius, side_px - radius, 2)
        cover = _cover(name, side_px, centre, radius, rng.uniform(0, 2 * np.pi))
        rows, columns = (np.flatnonzero((cover >= 0.5).any(axis=axis)) for axis in (1, 0))
        if len(rows) < 2 or len(columns) < 2:
            continue
        box = (columns[0], rows[0], columns[-1] + 1.0, rows[-1] + 1.0)
        if not len(others) or overlaps(np.array([box]), others).max() <= MAX_OVERLAP:
            return cover, tuple(map(float, box))
    return None


def overlaps(
    left: npt.NDArray[np.floating], right: npt.NDArray[np.floating] | Boxes
) -> npt.NDArray[np.float64]:
    """Intersection over union of each box of (n, 4) with each of (m, 4); (n, m)."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=-1) for each in (left, right)]
    shares: npt.NDArray[np.float64] = both / (areas[0][:, None] + areas[1][None] - both)
    return shares


def _cover(
    name: str, side_px: int, centre: npt.NDArray[np.float64], radius: float, turn: float
) -> Plane:
    fine = (np.arange(side_px * _SUPERSAMPLING) + 0.5) / _SUPERSAMPLING
    x, y = np.meshgrid(fine - centre[0], fine - centre[1])
    u = (np.cos(turn) * x + np.sin(turn) * y) / radius
    v = (np.cos(turn) * y - np.sin(turn) * x) / radius
    inside = _INSIDE[name](u, v).reshape(side_px, _SUPERSAMPLING, side_px, _SUPERSAMPLING)
    cover: Plane = inside.mean(axis=(1, 3))
    return cover


def _star(u: Plane, v: Plane) -> npt.NDArray[np.bool_]:
    """Five points on the unit circle, five notches at 0.42 of it."""
    sector = np.pi / 5
    angle = np.abs((np.arctan2(v, u) + sector) % (2 * sector) - sector)
    radius = np.hypot(u, v)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    notch_x, notch_y = 0.42 * np.cos(sector), 0.42 * np.sin(sector)
    inside: npt.NDArray[np.bool_] = (x - 1) * notch_y <= y * (notch_x - 1)
    return inside


_INSIDE: dict[str, Callable[[Plane, Plane], npt.NDArray[np.bool_]]] = {
    "disc": lambda u, v: np.hypot(u, v) <= 0.9,
    "ring": lambda u, v: (np.hypot(u, v) <= 1) & (np.hypot(u, v) >= 0.55),
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) <= 0.75,
    "triangle": lambda u, v: (u >= -0.5) & (u + np.sqrt(3) * np.abs(v) <= 1),
    "cross": lambda u, v: (
        (np.minimum(np.abs(u), np.abs(v)) <= 0.25) & (np.maximum(np.abs(u), np.abs(v)) <= 0.95)
    ),
    "star": _star,
}


def _background(side_px: int, rng: np.random.Generator) -> Image:
    """Blurred patches of colour under lines and dots that are no objects."""
    coarse = rng.uniform(50, 205, (int(rng.integers(2, 5)), int(rng.integers(2, 5)), 3))
    size = (side_px, side_px)
    patches = cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 10, (side_px // 4 + 1, side_px // 4 + 1, 3)).astype(np.float32)
    grain = cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR)
    picture: Image = np.ascontiguousarray(patches + grain, np.float32)
    for _ in range(rng.integers(3, 9)):
        ends = rng.integers(0, side_px, (2, 2)).tolist()
        colour = rng.uniform(0, 255, 3).tolist()
        if rng.random() < 0.6:
            cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, 3)), cv2.LINE_AA)
        else:
            cv2.circle(picture, ends[0], int(rng.integers(1, 4)), colour, -1, cv2.LINE_AA)
    return picture


def _texture(side_px: int, background: npt.NDArray[np.floating], rng: np.random.Generator) -> Image:
    """Plain, striped, chequered or speckled paint in two colours, unlike the background's mean."""
    first, second = _colour(background, rng), _colour(background, rng)
    kind = rng.integers(4)
    y, x = np.mgrid[0:side_px, 0:side_px]
    period, turn = rng.uniform(4, 9), rng.uniform(0, np.pi)
    along = np.cos(turn) * x + np.sin(turn) * y
    across = np.cos(turn) * y - np.sin(turn) * x
    share = np.zeros((side_px, side_px))
    if kind == 1:
        share = (along % period < period / 2).astype(float)
    elif kind == 2:
        share = ((along % period < period / 2) ^ (across % period < period / 2)).astype(float)
    elif kind == 3:
        share = (rng.random((side_px, side_px)) < 0.3).astype(float)
    mixed: Image = (first + share[..., None] * (second - first)).astype(np.float32)
    return mixed


def _colour(
    background: npt.NDArray[np.floating], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A colour that stands out from the background's mean; no mean is near all corners."""
    while True:
        colour = rng.uniform(0, 255, 3)
        if np.linalg.norm(colour - background) >= _CONTRAST:
            return colour
