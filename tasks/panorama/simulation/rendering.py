"""Pictures of a scene: one ray a pixel, nine where that would alias.

Borders between surfaces and strongly slanted surfaces are traced again with 3 x 3 rays
a pixel (adaptive supersampling: T. Whitted, "An Improved Illumination Model for Shaded
Display", 1980); within surfaces the texture pyramid does the averaging.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from tasks.panorama.simulation.ray_casting import NOTHING, cast
from tasks.panorama.simulation.ray_tiles import View, tile_pixels, untile, view_rays
from tasks.panorama.simulation.shading import shade, slants
from tasks.panorama.simulation.surfaces import Scene
from tasks.panorama.types import BoolArray, Float32Array, FloatArray, IntArray

_RAYS_PER_SIDE = 3
_SLANTED = 0.22
_MAX_TILES_AT_ONCE = 1024


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
    surface = np.empty(pixels.shape[:2], np.int64)
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
    _refine(scene, view, picture, aliases)
    with np.errstate(divide="ignore"):
        distance_m = 1.0 / untile(view, nearness)
    distance_m[untile(view, surface) == NOTHING] = np.inf
    return Picture(picture, distance_m)


def _borders(surface: IntArray) -> BoolArray:
    differs = np.zeros(surface.shape, np.uint8)
    beside = surface[:, 1:] != surface[:, :-1]
    below = surface[1:] != surface[:-1]
    differs[:, 1:] |= beside
    differs[:, :-1] |= beside
    differs[1:] |= below
    differs[:-1] |= below
    return np.asarray(cv2.dilate(differs, np.ones((3, 3), np.uint8)) > 0)


def _refine(scene: Scene, view: View, picture: Float32Array, aliases: BoolArray) -> None:
    """Trace the marked pixels again with more rays, in place."""
    points = tile_pixels(view).reshape(-1, 2)
    chosen = points[aliases[points[:, 1], points[:, 0]]]
    if not len(chosen):
        return
    num_rays = _RAYS_PER_SIDE**2
    pixels_per_tile = max(1, view.tile_px**2 // num_rays)
    per_part = _MAX_TILES_AT_ONCE * pixels_per_tile
    for first in range(0, len(chosen), per_part):
        part = chosen[first : first + per_part]
        padding = -len(part) % pixels_per_tile
        padded = np.concatenate([part, np.repeat(part[-1:], padding, axis=0)])
        samples = _spread(padded).reshape(-1, pixels_per_tile * num_rays, 2)
        tiles = view_rays(view, samples, share_of_pixel=1.0 / _RAYS_PER_SIDE)
        # The mean of a tile's points may lie where the view is coarser or finer than at them;
        # within a tile of neighbours that doesn't matter.
        colours = shade(scene, tiles, cast(scene, tiles))
        means = colours.reshape(-1, num_rays, 3).mean(axis=1)
        picture[part[:, 1], part[:, 0]] = means[: len(part)]


def _spread(pixels: IntArray) -> FloatArray:
    steps = (np.arange(_RAYS_PER_SIDE) + 0.5) / _RAYS_PER_SIDE - 0.5
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return pixels[:, None, :] + offsets


def at_rest(view: View) -> View:
    """Return the same view from the rig's centre."""
    return replace(view, origin=np.zeros(3))
