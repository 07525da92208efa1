"""Which image shows which part of the panorama.

The *fixed* partition gives each direction to the image in which it lies farthest from the
border: a Voronoi diagram of the images' outlines. It needs only geometry, so it is the same
for every method that is compared on it. `seam_routing` moves its borders to where the images
agree.

Labels are first found on the lattice of the maps; only cells near a change of label are then
worked out pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from tasks.panorama.algorithms.place.source_maps import Maps, SourceMap, known_map, node_distance
from tasks.panorama.types import BoolArray, Float32Array, IntArray

UNCOVERED = 255  # label of what no image shows
_SHARE_WEIGHT = 1000.0  # a share decides, and the distance where shares are equal

LabelMap = npt.NDArray[np.uint8]


def fixed_labels(maps: Maps, nominal: Maps | None = None) -> LabelMap:
    """Give each pixel to the image in which it lies farthest from the border.

    Args:
        maps: One map per image, None where an image covers nothing.
        nominal: Other maps of the same images, whose distances decide instead, as far as an
            image still shows the pixel with `maps`: methods are compared on the same seams.

    Returns:
        (width / 2, width) index of the image; `UNCOVERED` where there is none.
    """
    if nominal is None:
        return labels_from_grid(maps, [None] * len(maps))
    shares = [_distance_at(found, other) for found, other in zip(maps, nominal, strict=True)]
    return labels_from_grid(maps, shares)


def labels_from_grid(maps: Maps, shares: Sequence[Float32Array | None]) -> LabelMap:
    """Give each pixel to the image with the largest share, among those that show it.

    Args:
        maps: One map per image, None where an image covers nothing.
        shares: One per map: (rows, columns) not negative, at the nodes of the map. Where shares
            are equal, or None, the distance from the border decides.

    Returns:
        (width / 2, width) index of the image; `UNCOVERED` where there is none.
    """
    known = known_map(maps)
    step_px, width = known.step_px, known.panorama_width_px // known.step_px
    distances = [None if m is None else node_distance(m) for m in maps]
    coarse = _coarse(maps, distances, shares, width)
    fine = np.repeat(np.repeat(coarse, step_px, axis=0), step_px, axis=1)
    rows, columns = np.nonzero(_near_change(coarse))
    cells = fine.reshape(width // 2, step_px, width, step_px)
    cells[rows, :, columns, :] = _refined(maps, distances, shares, coarse, rows, columns)
    return fine


def _distance_at(found: SourceMap | None, other: SourceMap | None) -> Float32Array | None:
    """Distance from the border, by another map of the image, at the nodes of a map."""
    if found is None or other is None:
        return None
    width = found.panorama_width_px // found.step_px
    rows, columns = _cells(found, width)
    canvas = np.zeros((width // 2, width), np.float32)
    other_rows, other_columns = _cells(other, width)
    inside = (other_rows >= 0) & (other_rows < width // 2)
    # Where the lattice of a full circle meets itself both ends hold the same values.
    distances = np.maximum(node_distance(other), 0)
    np.maximum.at(canvas, np.ix_(other_rows[inside], other_columns), distances[inside])
    return np.asarray(canvas[np.ix_(np.clip(rows, 0, width // 2 - 1), columns)])


def _cells(found: SourceMap, width: int) -> tuple[IntArray, IntArray]:
    """Rows (some beyond the poles) and columns of the coarse panorama of a map's nodes."""
    rows = found.first_row + np.arange(found.nodes_px.shape[0])
    columns = (found.first_column + np.arange(found.nodes_px.shape[1])) % width
    return rows, columns


def _scores(distance: Float32Array, share: Float32Array | None) -> Float32Array:
    """Score of an image: not positive where it shows nothing."""
    if share is None:
        return distance
    return np.where(distance > 0, distance + np.float32(_SHARE_WEIGHT) * share, distance)


def _coarse(
    maps: Maps,
    distances: Sequence[Float32Array | None],
    shares: Sequence[Float32Array | None],
    width: int,
) -> LabelMap:
    """Labels at the nodes."""
    best = np.zeros((width // 2, width), np.float32)
    labels = np.full(best.shape, UNCOVERED, np.uint8)
    for index, (found, distance, share) in enumerate(zip(maps, distances, shares, strict=True)):
        if found is None or distance is None:
            continue
        rows, columns = _cells(found, width)
        inside = (rows >= 0) & (rows < width // 2)
        place = np.ix_(rows[inside], columns)
        score = _scores(distance, share)[inside]
        wins = score > best[place]
        best[place] = np.where(wins, score, best[place])
        labels[place] = np.where(wins, np.uint8(index), labels[place])
    return labels


def _near_change(labels: LabelMap) -> BoolArray:
    """Cells with another label among themselves and their eight neighbours."""
    wrapped = cv2.copyMakeBorder(labels, 0, 0, 1, 1, cv2.BORDER_WRAP)
    kernel = np.ones((3, 3), np.uint8)
    changes = cv2.dilate(wrapped, kernel) != cv2.erode(wrapped, kernel)
    return np.asarray(changes[:, 1:-1], np.bool_)


def _refined(
    maps: Maps,
    distances: Sequence[Float32Array | None],
    shares: Sequence[Float32Array | None],
    coarse: LabelMap,
    rows: IntArray,
    columns: IntArray,
) -> LabelMap:
    """Labels of the pixels of some cells, (cells, step, step)."""
    known = known_map(maps)
    best = np.zeros((len(rows), known.step_px, known.step_px), np.float32)
    labels = np.full(best.shape, UNCOVERED, np.uint8)
    around = _neighbourhood(coarse, rows, columns)
    for index, (found, distance, share) in enumerate(zip(maps, distances, shares, strict=True)):
        if found is None or distance is None:
            continue
        chosen = np.flatnonzero((around == index).any(axis=1))
        place = (rows[chosen], columns[chosen])
        fine = _interpolated(found, distance, place, coarse.shape[1])
        fine_share = None if share is None else _interpolated(found, share, place, coarse.shape[1])
        score = _scores(fine, fine_share)
        wins = score > best[chosen]
        best[chosen] = np.where(wins, score, best[chosen])
        labels[chosen] = np.where(wins, np.uint8(index), labels[chosen])
    return labels


def _neighbourhood(labels: LabelMap, rows: IntArray, columns: IntArray) -> LabelMap:
    """(cells, 9) labels of cells and their neighbours."""
    height, width = labels.shape
    offsets = np.array([-1, 0, 1])
    near_rows = np.clip(rows[:, None, None] + offsets[None, :, None], 0, height - 1)
    near_columns = (columns[:, None, None] + offsets[None, None, :]) % width
    return np.asarray(labels[near_rows, near_columns].reshape(len(rows), 9))


def _interpolated(
    found: SourceMap, nodes: Float32Array, place: tuple[IntArray, IntArray], width: int
) -> Float32Array:
    """Values at the pixels of cells, bilinear between nodes: (cells, step, step)."""
    rows = place[0] - found.first_row
    columns = (place[1] - found.first_column) % width
    offsets = np.array([-1, 0, 1])
    near_rows = np.clip(rows[:, None, None] + offsets[None, :, None], 0, nodes.shape[0] - 1)
    near_columns = np.clip(columns[:, None, None] + offsets[None, None, :], 0, nodes.shape[1] - 1)
    values = nodes[near_rows, near_columns]
    offset = (np.arange(found.step_px) + 0.5) / found.step_px - 0.5
    tent = np.maximum(0, 1 - np.abs(offset[:, None] - offsets[None, :])).astype(np.float32)
    return np.asarray(tent @ values @ tent.T, np.float32)
