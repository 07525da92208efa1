"""Make images meet in brightness where the seams run: one slowly varying offset an image.

What gains, falloff and shades leave is small but stays visible where nothing hides it, in a sky
or on a wall. Here each image gets an offset on a coarse lattice, of the logarithm of its colours:
across a seam the images then agree, and the offsets change as little as they can within an image,
so that no step is left and no slope that one would see.

Source: Szeliski, Uyttendaele, Steedly, "Fast Poisson Blending using Multi-Splines" (ICCP 2011),
sections 3 and 4: one low-resolution spline of offsets an image in place of a Poisson equation over
all pixels. Deviations: offsets of logarithms, of which an exposure that is off needs but one value;
what is dark counts less, since little is seen there, and so do places of a seam where the images
differ by more than one factor (parallax, moving things).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, diags_array
from scipy.sparse.linalg import splu

from tasks.panorama.algorithms.light.views import View
from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.types import BoolArray, Float32Array, FloatArray, IntArray

_NODES_PER_CELL = 4
_REACH_CELLS = 4  # beyond its label an image's offsets go on as far as the blend asks for it
_SEAM_WEIGHT = 20.0  # of agreeing at a cell of a seam, over changing by as much between two cells
_ZERO_WEIGHT = 1e-4
_RATIO_SIGMA = 0.05  # log ratio; a cell that scatters more than this counts less than half
_BRIGHT = 128.0  # grey levels; what is darker by a factor shows a log ratio that much less
_LEAST_SHOWN = 0.02
_LARGEST = 0.5  # log ratio; beyond it images show different things


@dataclass(frozen=True)
class Offsets:
    """Offsets of one image.

    Attributes:
        logs: (rows, columns, 3) of the whole panorama, BGR; what to add to its logarithm.
        cell_px: Pixels of the panorama that a cell is wide and high.
    """

    logs: Float32Array
    cell_px: int

    def enlarged(self, factor: int) -> Offsets:
        """Return the same offsets for a panorama that is larger by a factor."""
        return replace(self, cell_px=self.cell_px * factor)

    def factors(self, box: Box) -> Float32Array:
        """What to multiply the image by at the pixels of an unrolled box: (h, w, 3)."""
        around = box.grown(self.cell_px).aligned(self.cell_px)
        rows = np.arange(around.top_px, around.bottom_px, self.cell_px) // self.cell_px
        columns = np.arange(around.left_px, around.right_px, self.cell_px) // self.cell_px
        rows = np.clip(rows, 0, self.logs.shape[0] - 1)
        chosen = np.exp(self.logs[np.ix_(rows, columns % self.logs.shape[1])])
        fine = cv2.resize(
            chosen, (around.width_px, around.height_px), interpolation=cv2.INTER_LINEAR
        )
        return np.asarray(fine[box.slices(around)], np.float32)


def fit_offsets(
    views: Mapping[int, View], labels: npt.NDArray[np.integer], node_px: int
) -> dict[int, Offsets]:
    """Find the offsets with which images meet at the seams of a panorama.

    Args:
        views: The images by index, evened out, each (h, w) on the nodes of the panorama.
        labels: (h, w) index of the image that each node belongs to; others where none does.
        node_px: Pixels of the panorama that a node stands for, across and down.

    Returns:
        The offsets by image, of those that have a label. Empty where no two images meet.
    """
    images = {
        index: _image(view, mine)
        for index, view in views.items()
        if (mine := np.asarray(labels == index, np.bool_)).any()
    }
    seams = [_seam(images, pair) for pair in _neighbours(images, labels)]
    if not any(len(seam.weights) for seam in seams):
        return {}
    ids, size = _numbered(images)
    normal, right = _equations(ids, size, images, seams)
    solved = splu(normal.tocsc()).solve(right).astype(np.float32)
    result = {}
    for index, numbers in ids.items():
        logs = np.zeros((*numbers.shape, 3), np.float32)
        near = images[index].near
        logs[near] = solved[numbers[near]]
        result[index] = Offsets(logs, node_px * _NODES_PER_CELL)
    return result


@dataclass(frozen=True)
class _Image:
    """An image that has a label.

    Attributes:
        view: It, on the nodes of the panorama.
        near: (rows, columns) cells in which it has offsets.
        beside: (rows, columns) cells of its label, and those that touch them.
        shown: (rows, columns) how much of a change of its logarithm is seen.
    """

    view: View
    near: BoolArray
    beside: BoolArray
    shown: FloatArray


def _image(view: View, mine: BoolArray) -> _Image:
    cells = _cells_with(mine)
    return _Image(view, _grown(cells, _REACH_CELLS), _grown(cells, 1), _shown(view))


@dataclass(frozen=True)
class _Seam:
    """Cells of the seam of two images.

    Attributes:
        pair: The images.
        cells: (rows, columns) of the n cells.
        ratios: (n, 3) log ratio of the second over the first.
        weights: (n,) what each cell counts.
    """

    pair: tuple[int, int]
    cells: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    ratios: FloatArray
    weights: FloatArray


def _neighbours(
    images: Mapping[int, _Image], labels: npt.NDArray[np.integer]
) -> Iterator[tuple[int, int]]:
    """Pairs of images whose labels meet."""
    beside = [(labels, np.roll(labels, -1, axis=1)), (labels[:-1], labels[1:])]
    found = set()
    for one, other in beside:
        differs = one != other
        met = np.unique(np.stack([one[differs], other[differs]], axis=1), axis=0)
        found |= {(min(a, b), max(a, b)) for a, b in met.tolist() if a in images and b in images}
    yield from sorted(found)


def _seam(images: Mapping[int, _Image], pair: tuple[int, int]) -> _Seam:
    """Compare two images about their seam, cell by cell."""
    one, other = (images[index] for index in pair)
    rows, columns = np.nonzero(one.beside & other.beside)
    logs = [np.asarray(_blocks(each.view.logs)[rows, :, columns]) for each in (one, other)]
    seen = [_blocks(each.view.seen)[rows, :, columns] for each in (one, other)]
    both = np.logical_and(*seen)
    ratio = np.where(both[..., None], np.subtract(logs[1], logs[0]), 0.0).astype(np.float64)
    share, mean, square = (each.mean(axis=(1, 2)) for each in (both, ratio, ratio**2))
    found = share > 0
    shares, cells = share[found], (rows[found], columns[found])
    means = mean[found] / shares[:, None]
    scatter = np.maximum(square[found] / shares[:, None] - means**2, 0).mean(axis=1)
    visible = np.minimum(one.shown[cells], other.shown[cells])
    weights = shares * visible / (1 + scatter / _RATIO_SIGMA**2)
    weights[np.abs(means).max(axis=1, initial=0) > _LARGEST] = 0
    return _Seam(pair, cells, means, weights)


def _shown(view: View) -> FloatArray:
    """How much of a change of its logarithm is seen in each cell of an image: (rows, columns)."""
    share = _cell_means(view.seen * 1.0)
    mean = cv2.transform(view.logs, np.full((1, 3), 1 / 3, np.float32))
    level = _cell_means(np.where(view.seen, mean, 0.0)) / np.maximum(share, 1e-6)
    seen = np.exp(2 * (level - np.log(_BRIGHT)))
    return np.where(share > 0, np.clip(seen, _LEAST_SHOWN, 1.0), 1.0)


def _equations(
    ids: Mapping[int, IntArray], size: int, images: Mapping[int, _Image], seams: list[_Seam]
) -> tuple[coo_matrix, FloatArray]:
    """Normal equations of all offsets: agree at seams, change little within an image."""
    plus, minus, weights = [], [], []
    for index, numbers in ids.items():
        shown = images[index].shown
        for axis in (0, 1):
            other, beside = (np.roll(each, -1, axis) for each in (numbers, shown))
            linked = (numbers >= 0) & (other >= 0)
            linked[-1] &= axis == 1  # the sphere closes on itself across, not down
            plus.append(numbers[linked])
            minus.append(other[linked])
            weights.append(np.minimum(shown, beside)[linked])
    targets = [np.zeros((sum(map(len, plus)), 3))]
    for seam in seams:
        plus.append(ids[seam.pair[0]][seam.cells])
        minus.append(ids[seam.pair[1]][seam.cells])
        weights.append(_SEAM_WEIGHT * seam.weights)
        targets.append(seam.ratios)
    first, second, weight = np.concatenate(plus), np.concatenate(minus), np.concatenate(weights)
    rows = np.arange(len(weight))
    signs = np.concatenate([np.ones(len(rows)), -np.ones(len(rows))])
    place = (np.concatenate([rows, rows]), np.concatenate([first, second]))
    design = coo_matrix((signs, place), shape=(len(rows), size)).tocsr()
    weighted = design.T @ diags_array(weight)
    zero = diags_array(np.full(size, _ZERO_WEIGHT))
    return weighted @ design + zero, weighted @ np.concatenate(targets)


def _numbered(images: Mapping[int, _Image]) -> tuple[dict[int, IntArray], int]:
    """Number the cells of all images; -1 where an image has none."""
    ids, size = {}, 0
    for index, image in images.items():
        numbers = np.full(image.near.shape, -1, np.int64)
        numbers[image.near] = size + np.arange(image.near.sum())
        ids[index], size = numbers, size + int(image.near.sum())
    return ids, size


def _cells_with(nodes: BoolArray) -> BoolArray:
    """Cells of which a node is True."""
    return np.asarray(_blocks(nodes).any(axis=(1, 3)), np.bool_)


def _cell_means(nodes: npt.NDArray[np.floating]) -> FloatArray:
    return np.asarray(_blocks(nodes).mean(axis=(1, 3)), np.float64)


def _blocks(nodes: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """(rows, n, columns, n, …) of (h, w, …) nodes; filled up below and to the right by zeros."""
    n = _NODES_PER_CELL
    spare = [(0, -nodes.shape[0] % n), (0, -nodes.shape[1] % n)]
    is_whole = spare == [(0, 0), (0, 0)]
    filled = nodes if is_whole else np.pad(nodes, spare + [(0, 0)] * (nodes.ndim - 2))
    return filled.reshape(filled.shape[0] // n, n, filled.shape[1] // n, n, *nodes.shape[2:])


def _grown(cells: BoolArray, num_cells: int) -> BoolArray:
    """Cells within a distance of those that are True, around the sphere too."""
    wide = np.concatenate([cells[:, -num_cells:], cells, cells[:, :num_cells]], axis=1)
    size = 2 * num_cells + 1
    grown = cv2.dilate(wide.astype(np.uint8), np.ones((size, size), np.uint8))
    return np.asarray(grown[:, num_cells:-num_cells] > 0, np.bool_)
