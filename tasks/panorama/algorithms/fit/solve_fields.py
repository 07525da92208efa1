"""Warp fields of all images of a capture from all matches at once.

Source: Krainin & Liu, "Seamless Google Street View Panoramas" (Google Research blog, 2017): one
optimisation in Ceres for the warps of all images of a rosette, each a spline-based flow field
that is regularised in space.

Deviation: besides bending and displacement, the fit holds down what the two images of a match
move *in common*. Matches only fix their difference; a displacement weight strong enough to hold
the common part would also hold back the difference, which is what aligns the images. Without
it, wrong matches that agree with each other stretch all images alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyceres

from tasks.panorama.algorithms.fit.ceres import RobustLinearCost, solve
from tasks.panorama.algorithms.fit.control_tiles import ControlTiles
from tasks.panorama.algorithms.fit.residuals import (
    LinearResiduals,
    linearise,
    panorama_px_per_source_px,
)
from tasks.panorama.algorithms.fit.spline import SplineField, rounded
from tasks.panorama.config import SolveConfig
from tasks.panorama.types import Alignment, Correspondences, FloatArray, IntArray, Rig

_BLOCKS_PER_SIDE = 64  # density of matches that the regularisers' weights refer to
_BENDING_LENGTH = 0.1  # of the longer side: the length over which bending is counted


def solve_fields(
    matches: Correspondences, rig: Rig, config: SolveConfig
) -> tuple[SplineField, ...]:
    """Fit one field per image.

    Args:
        matches: Matches to fit; held-out ones must have been left out by the caller.
        rig: Calibration that the fields refine.
        config: Grid, weights and loss.

    Returns:
        One field per camera, zero where nothing pulls on it.

    Raises:
        DataError: The solver failed.
    """
    tiles = [
        ControlTiles(camera.width_px, camera.height_px, config.num_cells) for camera in rig.cameras
    ]
    linear = linearise(Alignment(rig, (None,) * len(rig.cameras)), matches)
    problem = pyceres.Problem()
    costs = []  # Ceres holds no reference that keeps a Python cost alive
    for cost, blocks in _all_costs(matches, linear, rig, tiles, config):
        problem.add_residual_block(cost, None, blocks)
        costs.append(cost)
    solve(problem, "warp fields", config.max_iterations)
    return tuple(rounded(grid.field()) for grid in tiles)


def _all_costs(
    matches: Correspondences,
    linear: LinearResiduals,
    rig: Rig,
    tiles: Sequence[ControlTiles],
    config: SolveConfig,
) -> Iterator[tuple[pyceres.CostFunction, list[FloatArray]]]:
    stencils: dict[tuple[int, int], list[tuple[IntArray, FloatArray]]] = {}
    for image, grid in enumerate(tiles):
        size = (grid.width_px, grid.height_px)
        if size not in stencils:  # images of a rig mostly have one size
            stencils[size] = _stencils(grid, config)
        scale = panorama_px_per_source_px(rig, image)
        for touched, matrix in stencils[size]:
            blocks = [grid.blocks[tile] for tile in touched]
            sizes = [len(block) for block in blocks]
            yield RobustLinearCost(scale * matrix, np.zeros(len(matrix)), sizes), blocks
    for rows in _groups(matches, tiles):
        yield _match_cost(rows, matches, linear, tiles, config)


def _groups(matches: Correspondences, tiles: Sequence[ControlTiles]) -> Iterator[IntArray]:
    """Rows of matches that act on the same tiles: same pair, same place in both images."""
    if not len(matches):
        return
    place_a = np.empty(len(matches), np.int64)
    place_b = np.empty(len(matches), np.int64)
    for image, grid in enumerate(tiles):
        in_a, in_b = matches.image_a == image, matches.image_b == image
        place_a[in_a] = grid.place(matches.points_a_px[in_a])
        place_b[in_b] = grid.place(matches.points_b_px[in_b])
    keys = np.column_stack([matches.image_a, matches.image_b, place_a, place_b])
    order = np.lexsort(keys.T)
    starts = np.flatnonzero(np.any(np.diff(keys[order], axis=0) != 0, axis=1)) + 1
    yield from np.split(order, starts)


def _match_cost(
    rows: IntArray,
    matches: Correspondences,
    linear: LinearResiduals,
    tiles: Sequence[ControlTiles],
    config: SolveConfig,
) -> tuple[pyceres.CostFunction, list[FloatArray]]:
    """Misalignment of some matches, and what they move in common."""
    grid_a, grid_b = tiles[matches.image_a[rows[0]]], tiles[matches.image_b[rows[0]]]
    touched_a, matrix_a = grid_a.design(matches.points_a_px[rows], linear.slope_a[rows])
    touched_b, matrix_b = grid_b.design(matches.points_b_px[rows], linear.slope_b[rows])
    blocks = [grid_a.blocks[i] for i in touched_a] + [grid_b.blocks[i] for i in touched_b]
    sizes = [len(block) for block in blocks]
    weights = matches.weights[rows]
    apart = np.concatenate([matrix_a, -matrix_b], axis=2).reshape(2 * len(rows), -1)
    # Of what the images move in common the mean is enough: they move smoothly.
    common = np.einsum("n,nip->ip", weights, np.concatenate([matrix_a, matrix_b], axis=2))
    common *= 0.5 * config.gauge / np.sqrt(weights.sum())
    matrix = np.concatenate([apart, common])
    constant = np.concatenate([linear.constant_px[rows].ravel(), np.zeros(2)])
    return RobustLinearCost(matrix, constant, sizes, config.loss_width_px, weights), blocks


def _stencils(grid: ControlTiles, config: SolveConfig) -> list[tuple[IntArray, FloatArray]]:
    """Bending and displacement of an image's control points, source px, grouped by tile."""
    longer_px = max(grid.width_px, grid.height_px)
    num_matches = grid.width_px * grid.height_px * (_BLOCKS_PER_SIDE / longer_px) ** 2
    weight = np.sqrt(num_matches / grid.num_control)
    length_px = _BENDING_LENGTH * longer_px
    found = (
        grid.stencils(tile, weight * config.bending * length_px**2, weight * config.ridge)
        for tile in range(len(grid.blocks))
    )
    return [(touched, matrix) for touched, matrix in found if len(matrix)]
