"""Paint a look over what a camera measured: textures that stick to surfaces, light and shadow.

Each pixel's place in space decides which texel it shows, so that the same point of a surface
keeps its texture when the camera moves. One oblique projection serves all sides of a thing: along
a fixed direction, about that of the camera, so that no surface that is seen well lies along it.
Compared with the usual three projections blended by the normal it costs a third, and has no seams
where normals from depth are noisy; upright sides show the texture sheared. What the gripper has
pushed between two pictures shows another part of its texture, for a depth picture doesn't say how
it moved.

Shape legend: h, w height and width of the picture; s surfaces.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tasks.grasping.looks.lens import pixel_m, pixel_rays
from tasks.grasping.looks.lighting import direct_light, lit
from tasks.grasping.looks.prints import print_over
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import (
    ByteImage,
    Camera,
    Float32Array,
    FloatArray,
    Look,
    Rendering,
    SemanticClass,
    SurfaceLook,
)

# A point's texture coordinates are those of the point of the floor below it along this slope.
_SLANT = np.array([[1.0, 0.0, 0.58], [0.0, 1.0, 0.48]])

# Surfaces in order: background, tray, arm (every other link is darker), gripper, objects.
_FIRST_SURFACE = {
    SemanticClass.BACKGROUND: 0,
    SemanticClass.TRAY: 1,
    SemanticClass.ARM: 2,
    SemanticClass.GRIPPER: 4,
    SemanticClass.OBJECT: 4,  # and on: an object's instance id starts at 1
}
_LINK_SHADE, _GRIPPER_SHADE = 0.85, 0.55


def paint(
    rendering: Rendering, look: Look, textures: Textures, *, is_distorted: bool = False
) -> ByteImage:
    """Paint a look.

    Args:
        rendering: Ids, depth and camera; its picture doesn't count.
        look: Surfaces and light.
        textures: What the look's indices refer to.
        is_distorted: Whether ids and depth were already bent as the camera's lens does.

    Returns:
        What an ideal sensor sees, (h, w, 3), uint8, RGB.

    Raises:
        ValueError: The rendering has no depth.
    """
    if rendering.depth_m is None:
        raise ValueError("painting needs a rendering with depth, got one without")
    camera = rendering.camera
    rays = pixel_rays(camera, is_distorted=is_distorted)
    inverse_depth = np.reciprocal(np.maximum(rendering.depth_m, np.float32(0.05)))
    palette = _palette(look, textures, pixel_m(camera))
    surface = _surface_ids(rendering)
    albedo = _albedo(surface, palette, inverse_depth, rays, camera)
    if look.prints:
        is_tray = surface == _FIRST_SURFACE[SemanticClass.TRAY]
        print_over(albedo, is_tray, rays, rendering.depth_m, camera, look.prints)
    albedo *= lit(direct_light(inverse_depth, rays, camera, look), look)
    return np.asarray(np.minimum(albedo + np.float32(0.5), 255), np.uint8)


def _surface_ids(rendering: Rendering) -> ByteImage:
    """Index of the surface that each pixel shows, (h, w)."""
    table = np.zeros(256, np.uint8)
    for kind, first in _FIRST_SURFACE.items():
        table[kind] = first
    is_arm = rendering.class_ids == SemanticClass.ARM
    is_object = rendering.class_ids == SemanticClass.OBJECT
    return np.asarray(
        table[rendering.class_ids]
        + rendering.instance_ids * is_object
        + (rendering.part_ids & 1) * is_arm
    )


def _albedo(
    surface: ByteImage,
    palette: _Palette,
    inverse_depth: Float32Array,
    rays: Float32Array,
    camera: Camera,
) -> Float32Array:
    """Colour of each pixel in white light, (h, w, 3), in [0, 255]."""
    # From a point in the camera's frame to repeats of each surface's texture, (s, 2, 4).
    linear = palette.maps[:, :, :3] @ camera.camera_from_base[:3, :3].T
    offset = palette.maps[:, :, 3] - linear @ camera.camera_from_base[:3, 3]
    linear, offset = linear.astype(np.float32), offset.astype(np.float32)
    of_pixel = surface.astype(np.intp)  # else each look-up would convert it
    depth_m = np.reciprocal(np.maximum(inverse_depth, np.float32(0.2)))
    x, y = rays[0] * depth_m, rays[1] * depth_m
    side = palette.sides.take(of_pixel)
    u, v = (
        _within(
            linear[:, k, 0].take(of_pixel) * x
            + linear[:, k, 1].take(of_pixel) * y
            + linear[:, k, 2].take(of_pixel) * depth_m
            + offset[:, k].take(of_pixel)
        )
        * side
        for k in range(2)
    )
    v += palette.tops.take(of_pixel)
    texels = cv2.remap(palette.atlas, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(texels * palette.tints.take(of_pixel, axis=0))


def _within(repeats: Float32Array) -> Float32Array:
    """Where within one repeat, in [0, 1]."""
    return repeats - np.floor(repeats)


@dataclass(frozen=True)
class _Palette:
    """What a look's surfaces are painted from.

    Attributes:
        maps: From a point in the base frame to repeats of the texture, affine, (s, 2, 4).
        tints: (s, 3).
        atlas: All textures below one another.
        tops: First row of each in the atlas, (s,).
        sides: Texels of one repeat, (s,).
    """

    maps: FloatArray
    tints: Float32Array
    atlas: ByteImage
    tops: Float32Array
    sides: Float32Array


@functools.lru_cache(maxsize=8)  # one look serves all pictures of a scene
def _palette(look: Look, textures: Textures, texel_m: float) -> _Palette:
    surfaces = _surfaces(look)
    tiles = [_tile(each, textures, texel_m) for each in surfaces]
    return _Palette(
        maps=np.stack([_texture_map(each) for each in surfaces]),
        tints=np.array([each.tint for each in surfaces], np.float32),
        atlas=_atlas(tiles),
        tops=np.cumsum([0, *(len(tile) for tile in tiles[:-1])]).astype(np.float32),
        sides=np.array([len(tile) - 1 for tile in tiles], np.float32),
    )


def _surfaces(look: Look) -> list[SurfaceLook]:
    def shaded(surface: SurfaceLook, shade: float) -> SurfaceLook:
        red, green, blue = surface.tint
        return replace(surface, tint=(red * shade, green * shade, blue * shade))

    return [
        look.background,
        look.tray,
        look.arm,
        shaded(look.arm, _LINK_SHADE),
        shaded(look.arm, _GRIPPER_SHADE),
        *look.objects,
    ]


def _texture_map(surface: SurfaceLook) -> FloatArray:
    """Affine map from a point in the base frame to repeats of the texture, (2, 4)."""
    cos, sin = np.cos(surface.turn_rad), np.sin(surface.turn_rad)
    linear = np.array([[cos, -sin], [sin, cos]]) @ _SLANT / surface.scale_m
    return np.concatenate([linear, np.array(surface.shift)[:, None]], axis=1)


def _tile(surface: SurfaceLook, textures: Textures, texel_m: float) -> ByteImage:
    """A surface's texture, of about one texel per pixel, and again its first row and column."""
    if surface.texture < 0:
        return np.full((2, 2, 3), 255, np.uint8)
    pyramid = textures.pyramid
    full_side = pyramid[0].shape[1]
    level = round(np.log2(max(texel_m * full_side / surface.scale_m, 1.0)))
    image = pyramid[min(level, len(pyramid) - 1)][surface.texture]
    return np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="wrap")


def _atlas(tiles: list[ByteImage]) -> ByteImage:
    """All tiles below one another, (sum of heights, greatest width, 3)."""
    atlas = np.empty((sum(map(len, tiles)), max(map(len, tiles)), 3), np.uint8)
    top = 0
    for tile in tiles:
        atlas[top : top + len(tile), : len(tile)] = tile
        top += len(tile)
    return atlas
