"""Where the directions of the panorama fall in an image.

Each pixel of the panorama has a direction, which projected into the image and moved by the
inverse of the image's field tells where the image is sampled. The places are computed on a
coarse lattice and upsampled bilinearly: they are smooth, and a lattice of 8 px at a width of
4096 leaves an error of less than 0.05 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi, sqrt

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.algorithms.place.canvas import Box, bounding_box, circular_range
from tasks.panorama.camera.camera import project
from tasks.panorama.types import (
    BoolArray,
    Camera,
    DisplacementField,
    Float32Array,
    FloatArray,
    Rig,
)

_NOWHERE_PX = -1e6
_SCOUT_WIDTH = 128  # columns of the first look at the whole sphere: cells of 2.8 degrees
_STEP_AT_4096_PX = 8
_MARGIN_SHARE = 3 / 64  # of the width: places are known this far around what the image covers
_WIDTH_MULTIPLE_PX = 64


@dataclass(frozen=True)
class SourceMap:
    """Where the directions of a panorama fall in one image.

    Attributes:
        panorama_width_px: Width of the whole panorama.
        box: What the image covers, rounded outwards to whole lattice cells; unrolled.
        step_px: Spacing of the lattice. Node ``(k, l)`` lies at panorama pixel
            ``((k + 0.5) step - 0.5, (l + 0.5) step - 0.5)``.
        first_column: k of the first column of nodes.
        first_row: l of the first row of nodes.
        nodes_px: (rows, columns, 2) float32 places in the image; far outside it where the lens
            has no answer.
        image_size_px: (width, height) of the image.
        focal_px: Pixels a radian in the middle of the image.
    """

    panorama_width_px: int
    box: Box
    step_px: int
    first_column: int
    first_row: int
    nodes_px: Float32Array
    image_size_px: tuple[int, int]
    focal_px: float


Maps = Sequence[SourceMap | None]


def known_map(maps: Maps) -> SourceMap:
    """Return one of the maps, for what they have in common.

    Raises:
        DataError: No image covers anything.
    """
    for found in maps:
        if found is not None:
            return found
    raise DataError("expected at least one image that shows a part of the panorama, got none")


def automatic_width_px(rig: Rig) -> int:
    """Width at which a panorama is as fine as its images (the median camera's centre)."""
    focal_px = float(np.median([focal_of(camera) for camera in rig.cameras]))
    multiples = round(2 * pi * focal_px / _WIDTH_MULTIPLE_PX)
    return int(np.clip(multiples * _WIDTH_MULTIPLE_PX, 512, 16384))


def focal_of(camera: Camera) -> float:
    """Pixels a radian in the middle of a camera's image."""
    return sqrt(camera.params[0] * camera.params[1])


def source_map(
    camera: Camera, inverse: DisplacementField | None, panorama_width_px: int
) -> SourceMap | None:
    """Compute where the directions of a panorama fall in an image.

    Args:
        camera: The image's camera.
        inverse: Inverse of the image's warp: the pixel p that looks along ``ray(q)`` is
            ``q + inverse.sample(q)``. None if the image is not warped.
        panorama_width_px: Width of the whole panorama, even.

    Returns:
        The map, or None if the image covers not even one lattice node.
    """
    near = _near(camera)
    if not near.any():
        return None
    step_px = _lattice_step_px(panorama_width_px)
    region = _region(near, panorama_width_px).grown(_margin_px(panorama_width_px)).aligned(step_px)
    first_column, first_row = region.left_px // step_px, region.top_px // step_px
    nodes_px = _nodes(camera, inverse, near, region, step_px, panorama_width_px)
    found = SourceMap(
        panorama_width_px=panorama_width_px,
        box=region,
        step_px=step_px,
        first_column=first_column,
        first_row=first_row,
        nodes_px=nodes_px,
        image_size_px=(camera.width_px, camera.height_px),
        focal_px=focal_of(camera),
    )
    return _tightened(found)


def source_maps(
    rig: Rig, inverses: Sequence[DisplacementField | None], panorama_width_px: int
) -> list[SourceMap | None]:
    """Compute the maps of all images of a rig; see `source_map`."""
    return [
        source_map(camera, inverse, panorama_width_px)
        for camera, inverse in zip(rig.cameras, inverses, strict=True)
    ]


def places(found: SourceMap, box: Box) -> Float32Array:
    """Where the pixels of a box fall in the image.

    Args:
        found: The image's map.
        box: Any box, unrolled; beyond the lattice its edge is repeated.

    Returns:
        (height, width, 2) float32 px of the image.
    """
    return upsampled(found, found.nodes_px, box)


def covers(found: SourceMap, places_px: Float32Array) -> BoolArray:
    """Tell which places lie inside the image, the outer half of its border pixels included."""
    width_px, height_px = found.image_size_px
    x, y = places_px[..., 0], places_px[..., 1]
    inside = (x >= -0.5) & (y >= -0.5) & (x <= width_px - 0.5) & (y <= height_px - 0.5)
    return np.asarray(inside, np.bool_)


def border_distance(found: SourceMap, box: Box) -> Float32Array:
    """Angle between the pixels of a box and the image's border.

    Args:
        found: The image's map.
        box: Any box, unrolled.

    Returns:
        (height, width) float32 radians at the image's centre scale; below 0 outside.
    """
    return upsampled(found, node_distance(found), box)


def node_distance(found: SourceMap) -> Float32Array:
    """As `border_distance`, at the nodes of the map: (rows, columns)."""
    width_px, height_px = found.image_size_px
    x, y = found.nodes_px[..., 0], found.nodes_px[..., 1]
    nodes = np.minimum(np.minimum(x, width_px - 1 - x), np.minimum(y, height_px - 1 - y)) + 0.5
    # What the lens can't see is only just outside: else it would drag its neighbours along.
    return np.maximum(nodes / found.focal_px, -0.1).astype(np.float32)


def in_frame_of(box: Box, found: SourceMap) -> Box:
    """Turn an unrolled box by whole circles to where the map's lattice covers it best."""
    lattice_middle = (2 * found.first_column + found.nodes_px.shape[1]) * found.step_px / 2
    turns = round((lattice_middle - (box.left_px + box.width_px / 2)) / found.panorama_width_px)
    return box.shifted(turns * found.panorama_width_px)


def reduced(found: SourceMap, factor: int) -> SourceMap:
    """Return the same map for a panorama that is smaller by a factor.

    Args:
        found: The map.
        factor: A power of two, at most the map's lattice step.
    """
    box = found.box
    return replace(
        found,
        panorama_width_px=found.panorama_width_px // factor,
        box=Box(
            box.left_px // factor,
            box.top_px // factor,
            box.width_px // factor,
            box.height_px // factor,
        ),
        step_px=found.step_px // factor,
    )


def upsampled(found: SourceMap, nodes: Float32Array, box: Box) -> Float32Array:
    """Interpolate values at the nodes of a map to the pixels of a box, bilinearly.

    Args:
        found: The map.
        nodes: (rows, columns) or (rows, columns, channels) float32 at its nodes.
        box: Any box, unrolled; beyond the lattice its edge is repeated.

    Returns:
        (height, width) or (height, width, channels) float32.
    """
    step_px = found.step_px
    box = in_frame_of(box, found)
    around = box.grown(step_px).aligned(step_px)
    columns = np.arange(around.left_px, around.right_px, step_px) // step_px - found.first_column
    rows = np.arange(around.top_px, around.bottom_px, step_px) // step_px - found.first_row
    rows = np.clip(rows, 0, nodes.shape[0] - 1)
    columns = np.clip(columns, 0, nodes.shape[1] - 1)
    chosen = np.ascontiguousarray(nodes[np.ix_(rows, columns)])
    fine = cv2.resize(chosen, (around.width_px, around.height_px), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[box.slices(around)], np.float32)


def _margin_px(panorama_width_px: int) -> int:
    return int(panorama_width_px * _MARGIN_SHARE)


def _lattice_step_px(panorama_width_px: int) -> int:
    """Largest power of two whose interpolation error, in panorama pixels, stays the same."""
    allowed = _STEP_AT_4096_PX * sqrt(panorama_width_px / 4096)
    return int(2 ** max(0, np.floor(np.log2(allowed))))


def _directions(columns_px: FloatArray, rows_px: FloatArray, panorama_width_px: int) -> FloatArray:
    """(rows * columns, 3) directions of panorama pixels, fractions and unrolled ones too.

    It goes on smoothly beyond the poles, as a lattice needs it.
    """
    longitude = ((columns_px + 0.5) / panorama_width_px - 0.5) * 2 * pi
    latitude = (0.25 - (rows_px + 0.5) / panorama_width_px) * 2 * pi
    result = np.empty((len(rows_px), len(columns_px), 3))
    result[..., 0] = np.outer(np.cos(latitude), np.sin(longitude))
    result[..., 1] = -np.sin(latitude)[:, None]
    result[..., 2] = np.outer(np.cos(latitude), np.cos(longitude))
    return result.reshape(-1, 3)


def _near(camera: Camera) -> BoolArray:
    """Cells of the sphere, (rows, columns), that the image or its surroundings may cover."""
    columns = np.arange(_SCOUT_WIDTH, dtype=np.float64)
    rows = columns[: _SCOUT_WIDTH // 2]
    points, _ = project(camera, _directions(columns, rows, _SCOUT_WIDTH))
    size = np.array([camera.width_px, camera.height_px])
    slack = 0.1 * size + 2 * focal_of(camera) * 2 * pi / _SCOUT_WIDTH
    near = ((points > -slack) & (points < size + slack)).all(axis=1)
    return np.asarray(near.reshape(len(rows), len(columns)), np.bool_)


def _region(near: BoolArray, panorama_width_px: int) -> Box:
    """Box around cells of the sphere."""
    start, length = circular_range(np.asarray(near.any(axis=0)))
    cell_px = panorama_width_px / _SCOUT_WIDTH
    if length * cell_px + 2 * _margin_px(panorama_width_px) + cell_px > panorama_width_px:
        start, length = 0, _SCOUT_WIDTH  # with its margin it meets itself: take all round
    rows = np.flatnonzero(near.any(axis=1))
    left_px, top_px = int(start * cell_px), int(rows[0] * cell_px)
    right_px = int(np.ceil((start + length) * cell_px))
    bottom_px = int(np.ceil((rows[-1] + 1) * cell_px))
    return Box(left_px, top_px, right_px - left_px, bottom_px - top_px)


def _nodes(
    camera: Camera,
    inverse: DisplacementField | None,
    near: BoolArray,
    region: Box,
    step_px: int,
    panorama_width_px: int,
) -> Float32Array:
    """Places of the nodes of a region; far away in cells that the image can't reach."""
    middle = (step_px - 1) / 2
    x = np.arange(region.left_px + middle, region.right_px, step_px, dtype=np.float64)
    y = np.arange(region.top_px + middle, region.bottom_px, step_px, dtype=np.float64)
    cell_px = panorama_width_px / _SCOUT_WIDTH
    cell_rows = np.clip((y // cell_px).astype(np.int64), 0, len(near) - 1)
    wanted = near[np.ix_(cell_rows, (x // cell_px).astype(np.int64) % _SCOUT_WIDTH)].ravel()
    points, _ = project(camera, _directions(x, y, panorama_width_px)[wanted])
    if inverse is not None:
        size = np.array([camera.width_px, camera.height_px])
        close = ((points > -size) & (points < 2 * size)).all(axis=1)
        points[close] += inverse.sample(points[close])
    nodes_px = np.full((len(y) * len(x), 2), _NOWHERE_PX, np.float32)
    nodes_px[wanted] = points
    return nodes_px.reshape(len(y), len(x), 2)


def _tightened(found: SourceMap) -> SourceMap | None:
    """Cut a map down to what the image covers and the margin."""
    inside = covers(found, found.nodes_px)
    step_px = found.step_px
    # One more node each way: between nodes the image may still reach into a pixel.
    tight = bounding_box(cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    if tight is None:
        return None
    lattice = Box(0, 0, inside.shape[1], inside.shape[0])
    kept = tight.grown(-(-_margin_px(found.panorama_width_px) // step_px)).clipped(lattice)
    rows, columns = kept.slices(lattice)
    box = Box(
        (found.first_column + tight.left_px) * step_px,
        (found.first_row + tight.top_px) * step_px,
        tight.width_px * step_px,
        tight.height_px * step_px,
    )
    height_px = found.panorama_width_px // 2
    box = box.clipped(Box(box.left_px, 0, box.width_px, height_px))
    if box.width_px >= found.panorama_width_px:
        box = replace(box, left_px=0, width_px=found.panorama_width_px)
    return replace(
        found,
        box=box,
        first_column=found.first_column + kept.left_px,
        first_row=found.first_row + kept.top_px,
        nodes_px=np.ascontiguousarray(found.nodes_px[rows, columns]),
    )
