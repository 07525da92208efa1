"""Bundles of rays from one point, in tiles whose bounding cones let surfaces skip them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tasks.panorama.camera.camera import rays
from tasks.panorama.types import Camera, Float32Array, FloatArray

ScalarT = TypeVar("ScalarT", bound=np.generic)
# Pixels to directions: (n, 2) px -> (n, 3) unit vectors in the rig frame.
RayFunction = Callable[[FloatArray], FloatArray]

# Against rounding of float32 directions.
_CONE_MARGIN_RAD = 1e-5


@dataclass(frozen=True)
class RayTiles:
    """Rays that leave one point.

    Attributes:
        origin: (3,) rig frame, metres.
        directions: (3, num_tiles, tile_size) float32 unit vectors.
        axes: (num_tiles, 3) axis of the cone around a tile's rays.
        half_angles_rad: (num_tiles,) half opening of that cone.
        pixel_rad: (num_tiles, tile_size) float32 angle that a ray stands for.
    """

    origin: FloatArray
    directions: Float32Array
    axes: FloatArray
    half_angles_rad: FloatArray
    pixel_rad: Float32Array


@dataclass(frozen=True)
class View:
    """A picture to be rendered: where its rays leave and how its pixels look out.

    Attributes:
        origin: (3,) rig frame, metres.
        width_px: Width.
        height_px: Height.
        ray_function: Pixels to directions.
        tile_px: Side of a square tile.
    """

    origin: FloatArray
    width_px: int
    height_px: int
    ray_function: RayFunction
    tile_px: int

    @property
    def tiles_shape(self) -> tuple[int, int]:
        """Rows and columns of tiles; the last ones may reach over the border."""
        return -(-self.height_px // self.tile_px), -(-self.width_px // self.tile_px)


def camera_view(camera: Camera) -> View:
    """Return the view of a camera from its own centre."""
    size = (camera.width_px, camera.height_px)
    return View(np.asarray(camera.centre_m, float), *size, lambda p: rays(camera, p), _tile(*size))


def equirect_view(width_px: int) -> View:
    """Return the full panorama seen from the rig's centre."""
    height_px = width_px // 2

    def ray_function(points_px: FloatArray) -> FloatArray:
        longitude = ((points_px[:, 0] + 0.5) / width_px - 0.5) * 2.0 * np.pi
        latitude = (0.5 - (points_px[:, 1] + 0.5) / height_px) * np.pi
        level = np.cos(latitude)
        return np.column_stack(
            [level * np.sin(longitude), -np.sin(latitude), level * np.cos(longitude)]
        )

    return View(np.zeros(3), width_px, height_px, ray_function, _tile(width_px, height_px))


def tile_pixels(view: View) -> npt.NDArray[np.int32]:
    """Return (num_tiles, tile_size, 2) pixel coordinates; beyond the border they repeat it."""
    rows, columns = view.tiles_shape
    tile = view.tile_px
    grid = np.empty((rows * tile, columns * tile, 2), np.int32)
    grid[..., 0] = np.minimum(np.arange(columns * tile), view.width_px - 1)
    grid[..., 1] = np.minimum(np.arange(rows * tile), view.height_px - 1)[:, None]
    blocks = grid.reshape(rows, tile, columns, tile, 2).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(rows * columns, tile * tile, 2)


def untile(view: View, values: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
    """Turn (num_tiles, tile_size, ...) into a picture (height, width, ...)."""
    rows, columns = view.tiles_shape
    tile, rest = view.tile_px, values.shape[2:]
    blocks = values.reshape(rows, columns, tile, tile, *rest).swapaxes(1, 2)
    picture = blocks.reshape(rows * tile, columns * tile, *rest)
    return picture[: view.height_px, : view.width_px]


def view_rays(view: View, points_px: FloatArray) -> RayTiles:
    """Make one ray for each pixel, (num_tiles, tile_size, 2), each tile's close together."""
    num_tiles, tile_size = points_px.shape[:2]
    directions = view.ray_function(points_px.reshape(-1, 2)).reshape(num_tiles, tile_size, 3)
    probe_px = points_px.mean(axis=1)
    pixel_rad = _pixel_angle(view, probe_px)
    return bundle(view.origin, directions, np.repeat(pixel_rad[:, None], tile_size, axis=1))


def bundle(origin: FloatArray, directions: FloatArray, pixel_rad: FloatArray) -> RayTiles:
    """Put a cone around each tile of rays, (num_tiles, tile_size, 3)."""
    single = directions.astype(np.float32)
    axes = single.mean(axis=1, dtype=np.float64)
    length = np.linalg.norm(axes, axis=1, keepdims=True)
    axes = np.where(length > 1e-6, axes / np.maximum(length, 1e-6), (0.0, 0.0, 1.0))
    cosine = np.einsum("tsk,tk->ts", single, axes.astype(np.float32)).min(axis=1)
    half_angles = np.arccos(np.clip(cosine.astype(float) - 1e-6, -1.0, 1.0)) + _CONE_MARGIN_RAD
    return RayTiles(
        np.asarray(origin, float),
        np.ascontiguousarray(np.moveaxis(single, 2, 0)),
        axes,
        half_angles,
        np.asarray(pixel_rad, np.float32),
    )


def _tile(width_px: int, height_px: int) -> int:
    return 32 if width_px * height_px >= 60_000 else 16


def _pixel_angle(view: View, points_px: FloatArray) -> FloatArray:
    """Side of the square that a pixel covers on the unit sphere, at (n, 2) points."""
    half = 0.5
    right, left = (view.ray_function(points_px + offset) for offset in ((half, 0.0), (-half, 0.0)))
    lower, upper = (view.ray_function(points_px + offset) for offset in ((0.0, half), (0.0, -half)))
    area = np.linalg.norm(np.cross(right - left, lower - upper), axis=1)
    return np.asarray(np.sqrt(np.maximum(area, 1e-16)))
