"""A common view of what two images share, so that flow between them is small.

The view is a piece of an equirectangular picture whose equator runs along the overlap, so
that an overlap as long as a whole image is hardly distorted. Similar to the overlap images of
Anderson, Gallup, Barron and others, "Jump: Virtual Reality Video" (SIGGRAPH Asia 2016),
section 5, but turned to each overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import cv2
import numpy as np

from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import BoolArray, ByteImage, Camera, Float32Array, FloatArray

_GRID_SIDE = 24  # samples along each side of an image when the overlap is looked for
_MAP_STEP_PX = 4  # the map into an image is exact on this grid and linear between
_MIN_SIDE_PX = 32
_MAX_PIXELS = 4_000_000


@dataclass(frozen=True)
class OverlapView:
    """A piece of an equirectangular picture in a frame of its own.

    Attributes:
        view_from_rig: Rotation, (3, 3); the view's y axis is the pole.
        px_per_rad: Angular resolution.
        left_rad: Longitude of the first column.
        top_rad: Angle below the equator of the first row.
        width_px: Columns.
        height_px: Rows.
    """

    view_from_rig: FloatArray
    px_per_rad: float
    left_rad: float
    top_rad: float
    width_px: int
    height_px: int

    def directions(self, points_px: FloatArray) -> FloatArray:
        """Directions of points of the view: (n, 2) -> (n, 3) unit vectors, rig frame."""
        longitude = self.left_rad + points_px[:, 0] / self.px_per_rad
        below = self.top_rad + points_px[:, 1] / self.px_per_rad
        level = np.cos(below)
        local = np.column_stack(
            [level * np.sin(longitude), np.sin(below), level * np.cos(longitude)]
        )
        return np.asarray(local @ self.view_from_rig)


def overlap_view(first: Camera, second: Camera, margin_rad: float) -> OverlapView | None:
    """Find the view of what two cameras share.

    Args:
        first: A camera, at the resolution that the view is to have.
        second: Another one.
        margin_rad: How far the view reaches beyond the overlap, for matches that a wrong
            calibration puts outside.

    Returns:
        The view; None if the overlap is too small for flow.
    """
    shared = _shared_directions(first, second)
    if len(shared) < 2:
        return None
    view_from_rig = _frame_along(shared)
    local = shared @ view_from_rig.T
    longitude = np.arctan2(local[:, 0], local[:, 2])
    below = np.arcsin(np.clip(local[:, 1], -1, 1))
    px_per_rad = float(np.sqrt(_px_per_rad(first) * _px_per_rad(second)))
    left, right = longitude.min() - margin_rad, longitude.max() + margin_rad
    top, bottom = below.min() - margin_rad, below.max() + margin_rad
    left, right = max(left, -pi), min(right, pi)
    top, bottom = max(top, -pi / 2), min(bottom, pi / 2)
    px_per_rad = min(px_per_rad, float(np.sqrt(_MAX_PIXELS / ((right - left) * (bottom - top)))))
    width_px = int(np.ceil((right - left) * px_per_rad))
    height_px = int(np.ceil((bottom - top) * px_per_rad))
    if min(width_px, height_px) < _MIN_SIDE_PX:
        return None
    return OverlapView(view_from_rig, px_per_rad, float(left), float(top), width_px, height_px)


def view_map(view: OverlapView, camera: Camera) -> tuple[Float32Array, Float32Array]:
    """Where each pixel of a view lies in an image.

    Returns:
        x and y, each (height, width) float32 px of the image; far outside where the camera
        sees nothing.
    """
    step = _MAP_STEP_PX
    columns, rows = -(-view.width_px // step) + 1, -(-view.height_px // step) + 1
    x, y = np.meshgrid(np.arange(columns) * step, np.arange(rows) * step)
    nodes = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    points, _ = project(camera, view.directions(nodes))
    coarse = points.reshape(rows, columns, 2).astype(np.float32)
    # Between nodes k and k + 1 lie step pixels; warpAffine samples node x / step at pixel x.
    shrink = np.array([[1 / step, 0, 0], [0, 1 / step, 0]])
    fine = cv2.warpAffine(
        coarse,
        shrink,
        (view.width_px, view.height_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.ascontiguousarray(fine[..., 0]), np.ascontiguousarray(fine[..., 1])


def inside(map_x: Float32Array, map_y: Float32Array, mask: BoolArray) -> BoolArray:
    """Which pixels of a view an image shows, its mask respected: (height, width)."""
    seen = cv2.remap(
        mask.astype(np.uint8), map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(seen > 0)


def resample(image: ByteImage, map_x: Float32Array, map_y: Float32Array, outside: int) -> ByteImage:
    """The image as the view shows it, with one value where it shows nothing."""
    return np.asarray(
        cv2.remap(
            image,
            map_x,
            map_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside, outside, outside),
        ),
        np.uint8,
    )


def _shared_directions(first: Camera, second: Camera) -> FloatArray:
    parts = []
    for camera, other in ((first, second), (second, first)):
        steps = (np.arange(_GRID_SIDE) + 0.5) / _GRID_SIDE
        x, y = np.meshgrid(steps * camera.width_px - 0.5, steps * camera.height_px - 0.5)
        directions = rays(camera, np.column_stack([x.ravel(), y.ravel()]))
        parts.append(directions[project(other, directions)[1]])
    return np.concatenate(parts)


def _frame_along(directions: FloatArray) -> FloatArray:
    """Rotation to a frame whose equator runs along directions and starts in their middle."""
    _, axes = np.linalg.eigh(directions.T @ directions)
    pole = axes[:, 0]
    middle = directions.mean(axis=0)
    middle -= pole * (pole @ middle)
    length = np.linalg.norm(middle)
    forward = middle / length if length > 1e-3 else axes[:, 2]
    return np.stack([np.cross(pole, forward), pole, forward])


def _px_per_rad(camera: Camera) -> float:
    """Pixels per radian in the middle of the image."""
    middle = np.array([[(camera.width_px - 1) / 2, (camera.height_px - 1) / 2]])
    half = np.array([[0.5, 0.0]])
    ends = rays(camera, np.concatenate([middle - half, middle + half]))
    return float(1.0 / np.linalg.norm(ends[1] - ends[0]))
