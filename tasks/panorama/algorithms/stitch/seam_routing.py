"""Route the borders between images through places where the images agree.

From the fixed partition, each border between two images moves to where their difference is
least: alpha-beta swaps (Boykov, Veksler, Zabih, *Fast Approximate Energy Minimization via Graph
Cuts*, PAMI 23 (11), 2001) with the seam cost of Kwatra, Schodl, Essa, Turk, Bobick, *Graphcut
Textures*, SIGGRAPH 2003, on the coarse lattice of the warp, each within a corridor around the
border. A pixel only ever changes to an image that shows it, so nothing can drop out, and each
corridor is cut out of the unrolled sphere, so nothing ends at +-180 degrees. What an image shows
only masked goes to another that shows it, before the cuts and pixel by pixel after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tasks.panorama.algorithms.place.canvas import Box, circular_range, columns_of, cut_out
from tasks.panorama.algorithms.place.source_maps import (
    Maps,
    SourceMap,
    border_distance,
    known_map,
    reduced,
)
from tasks.panorama.algorithms.place.warp import warp
from tasks.panorama.algorithms.stitch.masks import Masked, hidden, kept_out
from tasks.panorama.algorithms.stitch.seams import (
    UNCOVERED,
    LabelMap,
    fixed_labels,
    labels_from_grid,
)
from tasks.panorama.types import BoolArray, ByteImage, Float32Array

_LENGTH_COST = 2.0  # grey levels that a cell of seam costs even where the images agree
_BOUND = 1e7  # above any sum of costs: ties the outside of a corridor to its image
_JUNCTION_CELLS = 2  # labels stay this near to a third image
_SMOOTHING_CELLS = 0.7  # rounds the stairs of the grid


@dataclass(frozen=True)
class Proof:
    """One image on a small panorama: enough to see where it agrees with others.

    Attributes:
        found: The image's map at the width of the small panorama.
        grey: (h, w) float32 luma over ``found.box``, evened out by the photometry.
        seen: (h, w) where the image covers the box, unmasked.
    """

    found: SourceMap
    grey: Float32Array
    seen: BoolArray


def proof_of(grey: Float32Array, masked: Masked | None, found: SourceMap) -> Proof:
    """Make the proof of one image.

    Args:
        grey: (h, w) float32 luma as `warp.prefiltered` returns it for this map.
        masked: What is masked of the image; None for nothing.
        found: The image's map at the width of the small panorama.
    """
    box = found.box
    seen = (border_distance(found, box) > 0) & ~hidden(masked, found, box)
    return Proof(found, warp(grey, found, box), seen)


def routed_labels(
    maps: Maps, proofs: Sequence[Proof | None], reach_px: int, masked: Sequence[Masked | None]
) -> LabelMap:
    """Partition a panorama along borders at which the images agree.

    Args:
        maps: One map per image, None where an image covers nothing.
        proofs: The same images with the same maps on a smaller panorama.
        reach_px: How far a border may move from the fixed partition.
        masked: What is masked of each image.

    Returns:
        (width / 2, width) index of the image; `UNCOVERED` where there is none.
    """
    step_px = known_map(maps).step_px
    coarse = [None if m is None else reduced(m, step_px) for m in maps]
    labels = kept_out(fixed_labels(coarse), coarse, masked)
    reach = max(1, reach_px // step_px)
    for first, second in _neighbours(labels):
        _swap(labels, (first, second), proofs, reach)
    shares = [None if m is None else _share(labels, index, m) for index, m in enumerate(maps)]
    return kept_out(labels_from_grid(maps, shares), maps, masked)


def _neighbours(labels: LabelMap) -> list[tuple[int, int]]:
    """Pairs of labels that touch, in order."""
    pairs = set()
    for one, other in (
        (labels, np.roll(labels, -1, axis=1)),
        (labels[:-1], labels[1:]),
    ):
        differs = (one != other) & (one != UNCOVERED) & (other != UNCOVERED)
        touching = np.unique(np.stack([one[differs], other[differs]]), axis=1).T
        pairs |= {(int(min(pair)), int(max(pair))) for pair in touching}
    return sorted(pairs)


def _swap(
    labels: LabelMap, pair: tuple[int, int], proofs: Sequence[Proof | None], reach: int
) -> None:
    """Move the border between two labels to where it costs least; changes `labels`."""
    first, second = (proofs[index] for index in pair)
    window = _window(labels, pair, reach)
    if first is None or second is None or window is None:
        return
    width = labels.shape[1]
    columns = columns_of(window, width)
    local = labels[window.top_px : window.bottom_px][:, columns]
    cost, both = _cost(first, second, window, width)
    corridor = _corridor(local, pair, both, reach)
    if not corridor.any():
        return
    chosen = _cut(cost, (local == pair[0]) & ~corridor, (local == pair[1]) & ~corridor, corridor)
    local[corridor] = np.where(chosen[corridor], np.uint8(pair[0]), np.uint8(pair[1]))
    labels[window.top_px : window.bottom_px, columns] = local


def _window(labels: LabelMap, pair: tuple[int, int], reach: int) -> Box | None:
    """Unrolled box around the border between two labels and its corridor."""
    one = (labels == pair[0]).astype(np.uint8)
    other = (labels == pair[1]).astype(np.uint8)
    cross = np.ones((3, 3), np.uint8)
    border = _dilated(one, cross) & _dilated(other, cross)
    if not border.any():
        return None
    height, width = labels.shape
    rows = np.flatnonzero(border.any(axis=1))
    start, length = circular_range(np.asarray(border.any(axis=0)))
    margin = reach + 1
    top, bottom = max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + 1 + margin)
    if length + 2 * margin > width:
        return Box(0, top, width, bottom - top)
    return Box(start - margin, top, length + 2 * margin, bottom - top)


def _dilated(mask: ByteImage, kernel: ByteImage) -> ByteImage:
    """Dilate on the closed sphere."""
    wrapped = cv2.copyMakeBorder(mask, 0, 0, 1, 1, cv2.BORDER_WRAP)
    return np.asarray(cv2.dilate(wrapped, kernel)[:, 1:-1], np.uint8)


def _cost(first: Proof, second: Proof, window: Box, width: int) -> tuple[Float32Array, BoolArray]:
    """What a seam costs in each cell of a window, and where both images show the cell."""
    factor = first.found.panorama_width_px // width
    fine = Box(
        window.left_px * factor,
        window.top_px * factor,
        window.width_px * factor,
        window.height_px * factor,
    )
    grey_1, seen_1 = _views(first, fine)
    grey_2, seen_2 = _views(second, fine)
    cost = _averaged(np.abs(grey_1 - grey_2), window) + np.float32(_LENGTH_COST)
    return cost, _averaged(seen_1 & seen_2, window) >= 1


def _views(proof: Proof, window: Box) -> tuple[Float32Array, BoolArray]:
    """Grey values and what is seen in a window of the proof's panorama."""
    box, width_px = proof.found.box, proof.found.panorama_width_px
    return (
        cut_out(proof.grey, box, window, width_px),
        cut_out(proof.seen, box, window, width_px),
    )


def _averaged(values: Float32Array | BoolArray, window: Box) -> Float32Array:
    """Mean over each cell of a window."""
    size = (window.width_px, window.height_px)
    pixels = values.astype(np.float32)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)


def _corridor(local: LabelMap, pair: tuple[int, int], both: BoolArray, reach: int) -> BoolArray:
    """Cells that may change sides: near the border, shown by both, away from third images."""
    one, other = local == pair[0], local == pair[1]
    third = cv2.dilate(
        (~(one | other)).astype(np.uint8),
        np.ones((2 * _JUNCTION_CELLS + 1, 2 * _JUNCTION_CELLS + 1), np.uint8),
    )
    # Distance to the other label, measured from either side of the border.
    far = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 3) * one
    far += cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, 3) * other
    return np.asarray((one | other) & both & (third == 0) & (far <= reach), np.bool_)


def _cut(
    cost: Float32Array, only_first: BoolArray, only_second: BoolArray, corridor: BoolArray
) -> BoolArray:
    """Minimum cut of a window: where the first image wins.

    OpenCV's finder compares two colour pictures and squares their difference: a picture of
    square roots against black gives it any cost.
    """
    picture = np.zeros((*cost.shape, 3), np.float32)
    picture[..., 0] = np.sqrt(cost)
    finder: Any = cv2.detail.GraphCutSeamFinder("COST_COLOR", _BOUND, 0.0)
    masks = [((only | corridor) * np.uint8(255)) for only in (only_first, only_second)]
    found = finder.find([picture, np.zeros_like(picture)], [(0, 0), (0, 0)], masks)
    return np.asarray(found[0].get() > 0, np.bool_)


def _share(labels: LabelMap, index: int, found: SourceMap) -> Float32Array:
    """How much of a node's surroundings belongs to an image, at the nodes of its map."""
    height, width = labels.shape
    rows = np.clip(found.first_row + np.arange(found.nodes_px.shape[0]), 0, height - 1)
    columns = (found.first_column + np.arange(found.nodes_px.shape[1])) % width
    mine = (labels[np.ix_(rows, columns)] == index).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(mine, (0, 0), _SMOOTHING_CELLS), np.float32)
