"""Patches that are printed on the bin's floor: shapes with edges, where there is no thing.

Shape legend: h, w height and width of the picture; m texels along the floor.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tasks.grasping.looks.lens import pixel_m
from tasks.grasping.types import Camera, Float32Array, Print
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, BIN_INNER_M

BoolArray = npt.NDArray[np.bool_]

_TEXEL_M = 0.002
_FLAT_M = 0.004  # nearer to the floor's height than this is the floor


def print_over(
    albedo: Float32Array,
    is_tray: BoolArray,
    rays: Float32Array,
    depth_m: Float32Array,
    camera: Camera,
    prints: tuple[Print, ...],
) -> None:
    """Colour the pixels that show the floor as the prints there are.

    Args:
        albedo: Colours in white light, (h, w, 3), in [0, 255]; changed in place.
        is_tray: Whether a pixel shows the bin, (h, w), bool.
        rays: Ray of each pixel, (2, h, w).
        depth_m: Distance along the optical axis, (h, w).
        camera: The camera.
        prints: What is printed; the later over the earlier.
    """
    rows, columns = np.nonzero(is_tray)
    depth_m = depth_m[rows, columns]
    points = np.stack([*(rays[:, rows, columns] * depth_m), depth_m])
    base_from_camera = np.linalg.inv(camera.camera_from_base)[:3].astype(np.float32)
    x, y, z = base_from_camera[:, :3] @ points + base_from_camera[:, 3:]
    printed = _floor(prints, round(pixel_m(camera) / _TEXEL_M, 1))
    along, across = (
        np.floor((values - low_m) / _TEXEL_M).astype(np.intp)
        for values, low_m in zip((x, y), _LOW_M, strict=True)
    )
    is_floor = np.abs(z - BIN_FLOOR_M) < _FLAT_M
    for places, num in zip((along, across), printed.shape[:2], strict=True):
        is_floor &= (places >= 0) & (places < num)
    rows, columns = rows[is_floor], columns[is_floor]
    ink = printed[along[is_floor], across[is_floor]]
    albedo[rows, columns] = albedo[rows, columns] * (1 - ink[:, 3:]) + ink[:, :3]


_LOW_M = tuple(centre - inner / 2 for centre, inner in zip(BIN_CENTRE_M, BIN_INNER_M, strict=True))


@functools.lru_cache(maxsize=32)  # a station's serve all of its pictures
def _floor(prints: tuple[Print, ...], texels_per_pixel: float) -> Float32Array:
    """The floor along x and y: colours times coverage, in [0, 255], and coverage, (m, m, 4)."""
    lines = [
        low_m + _TEXEL_M * (np.arange(round(inner / _TEXEL_M)) + 0.5)
        for low_m, inner in zip(_LOW_M, BIN_INNER_M, strict=True)
    ]
    floor: Float32Array = np.zeros((*map(len, lines), 4), np.float32)
    for each in prints:
        reach_m = np.hypot(*each.half_m)
        away_m = [line - centre for line, centre in zip(lines, each.centre_m, strict=True)]
        near = [np.flatnonzero(np.abs(line) < reach_m) for line in away_m]
        x, y = (line[places] for line, places in zip(away_m, near, strict=True))
        is_first, is_inside = _shape(each, x[:, None], y[None])
        colours = np.where(is_first[..., None], *np.array(each.colours)[:, None, None])
        ink = np.concatenate([255 * colours, np.ones((*is_first.shape, 1))], axis=-1)
        under = floor[np.ix_(*near)]
        floor[np.ix_(*near)] = np.where(is_inside[..., None], ink, under)
    # A pixel sees all of its area, and the floor's texels are smaller.
    return np.asarray(cv2.GaussianBlur(floor, (0, 0), max(texels_per_pixel / 3, 0.1)))


def _shape(each: Print, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[BoolArray, BoolArray]:
    """Whether points, relative to a print's middle, have its first colour, and lie in it."""
    cos, sin = np.cos(each.turn_rad), np.sin(each.turn_rad)
    u, v = (cos * x + sin * y) / each.half_m[0], (cos * y - sin * x) / each.half_m[1]
    if each.shape == "ellipse":
        is_inside = u**2 + v**2 < 1
    else:
        is_inside = (np.abs(u) < 1) & (np.abs(v) < 1)
        if each.shape == "ell":
            is_inside &= (u < 0) | (v < 0)
    return u < 0, is_inside
