"""Seam excess: how much more brightness jumps across a seam than its images show there.

`metrics.seam_step` compares a seam with the picture beside it, so an edge of the scene that
happens to run along a seam (the corner of a house) counts as a bad seam. Here each place is
compared with itself: the step of the blended picture over one pixel across the seam, against the
same step within either image alone, both of which see it. 1 means that the seam adds nothing.
It serves the gate and finds the places that are worth a look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.panorama.algorithms.stitch.seam_routing import Proof
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap
from tasks.panorama.types import BoolArray, Float32Array, FloatArray, IntArray

_FLAT_GREY = 0.5  # keeps the ratio of flat places near 1, whatever their noise
_MIN_PLACES = 64


@dataclass(frozen=True)
class SeamExcess:
    """One seam: all borders between two images.

    Attributes:
        pair: The images, the smaller index first.
        places_px: (n, 2) columns and rows on the panorama.
        differences: (n,) how far the two images are apart there, grey levels.
        ratio: Step across the seam over the same step within the images.
    """

    pair: tuple[int, int]
    places_px: IntArray
    differences: FloatArray
    ratio: float


def seam_excesses(
    luma: Float32Array, labels: LabelMap, proofs: Sequence[Proof | None]
) -> list[SeamExcess]:
    """Measure each seam of a panorama.

    Args:
        luma: (height, width) of the blended picture.
        labels: (height, width) its partition.
        proofs: The images on a panorama of that width.

    Returns:
        One entry for each two images that share a border.
    """
    found = []
    for pair, here, there in _borders(labels):
        first, second = proofs[pair[0]], proofs[pair[1]]
        if first is None or second is None:
            continue
        looks = [_look(proof, place) for proof in (first, second) for place in (here, there)]
        seen = np.logical_and.reduce([shown for _, shown in looks])
        if not seen.any():
            continue
        a_here, a_there, b_here, b_there = (grey[seen] for grey, _ in looks)
        step = np.abs(luma[there[1], there[0]] - luma[here[1], here[0]])[seen]
        within = (np.abs(a_there - a_here) + np.abs(b_there - b_here)) / 2
        ratio = (step.mean() + _FLAT_GREY) / (within.mean() + _FLAT_GREY)
        places = np.stack(here, axis=1)[seen]
        found.append(SeamExcess(pair, places, np.abs(a_here - b_here), float(ratio)))
    return found


def worst_excess(seams: Sequence[SeamExcess]) -> float | None:
    """Highest ratio of a seam that is long enough to be judged; None if there is none."""
    return max((s.ratio for s in seams if len(s.places_px) >= _MIN_PLACES), default=None)


def _borders(
    labels: LabelMap,
) -> Iterator[tuple[tuple[int, int], tuple[IntArray, IntArray], tuple[IntArray, IntArray]]]:
    """Pairs of labels, and (columns, rows) of the pixels on either side of their borders."""
    height, width = labels.shape
    heres, theres = [], []
    for right, down in ((1, 0), (0, 1)):
        other = np.roll(labels, (-down, -right), axis=(0, 1))
        differs = (labels != other) & (labels != UNCOVERED) & (other != UNCOVERED)
        differs[height - down :] = False
        y, x = np.nonzero(differs)
        heres.append(np.stack([x, y]))
        theres.append(np.stack([(x + right) % width, y + down]))
    here, there = np.concatenate(heres, axis=1), np.concatenate(theres, axis=1)
    owners = np.sort(
        np.stack([labels[here[1], here[0]], labels[there[1], there[0]]]), axis=0
    ).astype(np.int64)
    for first, second in np.unique(owners, axis=1).T:
        chosen = (owners[0] == first) & (owners[1] == second)
        sides = [(place[0][chosen], place[1][chosen]) for place in (here, there)]
        yield (int(first), int(second)), sides[0], sides[1]


def _look(proof: Proof, place: tuple[IntArray, IntArray]) -> tuple[FloatArray, BoolArray]:
    """Grey values of an image at places of the panorama, and where it shows them."""
    box = proof.found.box
    column = (place[0] - box.left_px) % proof.found.panorama_width_px
    row = place[1] - box.top_px
    inside = (column < box.width_px) & (row >= 0) & (row < box.height_px)
    at = (np.where(inside, row, 0), np.where(inside, column, 0))
    return proof.grey[at].astype(np.float64), inside & proof.seen[at]
