"""Pictures of a scene: one ray a pixel, four where that would alias.

Borders between surfaces and strongly slanted surfaces are traced again with four rays a pixel
on a rotated grid (adaptive supersampling: T. Whitted, "An Improved Illumination Model for
Shaded Display", 1980); within surfaces the texture pyramid does the averaging.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.simulation.rays.ray_casting import NOTHING, cast
from tasks.panorama.simulation.rays.ray_tiles import (
    RayTiles,
    View,
    bundle,
    tile_pixels,
    untile,
    view_rays,
)
from tasks.panorama.simulation.rays.shading import shade, slants
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.types import BoolArray, Float32Array

# Where the rays of a pixel lie, from its top left corner: no two in one row or column.
_SPOTS = np.array([(3, 1), (7, 3), (1, 5), (5, 7)]) / 8.0
_SLANTED = 0.22
_MAX_TILES_AT_ONCE = 512
_CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)])


@dataclass(frozen=True)
class Picture:
    """A rendered view.

    Attributes:
        colours: (h, w, 3) float32 BGR, 0..255.
        distance_m: (h, w) float32 along the ray of the pixel's centre; infinite in the sky.
    """

    colours: Float32Array
    distance_m: Float32Array

    @property
    def is_sky(self) -> BoolArray:
        """(h, w) where the pixel's centre sees no surface."""
        return np.asarray(np.isinf(self.distance_m))


def render(scene: Scene, view: View) -> Picture:
    """Render a view of a scene."""
    pixels = tile_pixels(view)
    colours = np.empty((*pixels.shape[:2], 3), np.float32)
    nearness = np.empty(pixels.shape[:2], np.float32)
    surface = np.empty(pixels.shape[:2], np.int32)
    is_slanted = np.empty(pixels.shape[:2], bool)
    for first in range(0, len(pixels), _MAX_TILES_AT_ONCE):
        part = slice(first, first + _MAX_TILES_AT_ONCE)
        tiles = view_rays(view, pixels[part].astype(float))
        hits = cast(scene, tiles)
        colours[part] = shade(scene, tiles, hits)
        nearness[part], surface[part] = hits.nearness, hits.surface
        is_slanted[part] = slants(scene, tiles, hits) < _SLANTED
    aliases = _borders(untile(view, surface)) | untile(view, is_slanted)
    picture = np.ascontiguousarray(untile(view, colours))
    del colours
    _refine(scene, view, picture, pixels.reshape(-1, 2), aliases)
    with np.errstate(divide="ignore"):
        distance_m = 1.0 / untile(view, nearness)
    distance_m[untile(view, surface) == NOTHING] = np.inf
    return Picture(picture, distance_m)


def _borders(surface: npt.NDArray[np.int32]) -> BoolArray:
    differs = np.zeros(surface.shape, np.uint8)
    beside = surface[:, 1:] != surface[:, :-1]
    below = surface[1:] != surface[:-1]
    differs[:, 1:] |= beside
    differs[:, :-1] |= beside
    differs[1:] |= below
    differs[:-1] |= below
    return np.asarray(cv2.dilate(differs, np.ones((3, 3), np.uint8)) > 0)


def _refine(
    scene: Scene,
    view: View,
    picture: Float32Array,
    pixels: npt.NDArray[np.int32],
    aliases: BoolArray,
) -> None:
    """Trace the marked pixels, of all in the order of tiles, again with more rays, in place."""
    chosen = pixels[aliases[pixels[:, 1], pixels[:, 0]]]
    pixels_per_tile = max(1, view.tile_px**2 // len(_SPOTS))
    per_part = _MAX_TILES_AT_ONCE * pixels_per_tile
    for first in range(0, len(chosen), per_part):
        part = chosen[first : first + per_part]
        padding = -len(part) % pixels_per_tile
        padded = np.concatenate([part, np.repeat(part[-1:], padding, axis=0)])
        tiles = _finer_rays(view, padded, pixels_per_tile)
        colours = shade(scene, tiles, cast(scene, tiles))
        means = colours.reshape(len(padded), -1, 3).mean(axis=1)
        picture[part[:, 1], part[:, 0]] = means[: len(part)]


def _finer_rays(view: View, pixels: npt.NDArray[np.int32], pixels_per_tile: int) -> RayTiles:
    """Rays spread over pixels, (n, 2), bilinear between the rays of each pixel's corners."""
    corners_px = pixels[:, None, :] + _CORNERS
    corners = view.ray_function(corners_px.reshape(-1, 2)).reshape(-1, 4, 3)
    right, down = _SPOTS.T
    shares = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    directions = np.stack(shares, axis=1) @ corners
    diagonals = corners[:, 3] - corners[:, 0], corners[:, 2] - corners[:, 1]
    area = 0.5 * np.linalg.norm(np.cross(*diagonals), axis=1)
    pixel_rad = np.sqrt(np.maximum(area, 1e-16) / len(_SPOTS))
    tile_size = pixels_per_tile * len(_SPOTS)
    return bundle(
        view.origin,
        directions.reshape(-1, tile_size, 3),
        np.repeat(pixel_rad, len(_SPOTS)).reshape(-1, tile_size),
    )
