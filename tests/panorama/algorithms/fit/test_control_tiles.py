from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.control_tiles import ControlTiles
from tasks.panorama.algorithms.fit.spline import SplineField, cell_px

WIDTH_PX, HEIGHT_PX = 96, 128
POINTS = np.random.default_rng(0).uniform(0, (WIDTH_PX - 1, HEIGHT_PX - 1), (60, 2))


def _filled(num_cells: int, seed: int = 1) -> ControlTiles:
    grid = ControlTiles(WIDTH_PX, HEIGHT_PX, num_cells)
    rng = np.random.default_rng(seed)
    for block in grid.blocks:
        block[:] = rng.normal(size=len(block))
    return grid


def _affine(grid: ControlTiles) -> ControlTiles:
    """Fill the tiles with an affine field, by way of its spline."""
    rows, columns = grid.shape
    x = (np.arange(columns) - 1) * cell_px(WIDTH_PX, columns)
    y = (np.arange(rows) - 1) * cell_px(HEIGHT_PX, rows)
    wanted = np.stack(np.meshgrid(0.02 * x, -0.03 * y), -1) + 1.0
    for tile in range(len(grid.blocks)):
        for slot in range(len(grid.blocks[tile])):
            grid.blocks[tile][slot] = 1.0
            changed = grid.field().control_px
            where = np.argwhere(changed == 1.0)[0]
            grid.blocks[tile][slot] = 1e9 + wanted[tuple(where)]
    for block in grid.blocks:
        block -= 1e9
    return grid


@pytest.mark.parametrize("num_cells", [4, 5, 9])
def test_design_gives_what_the_field_gives(num_cells: int) -> None:
    grid = _filled(num_cells)
    slopes = np.random.default_rng(2).normal(size=(len(POINTS), 2, 2))
    touched, matrix = grid.design(POINTS, slopes)
    x = np.concatenate([grid.blocks[tile] for tile in touched])
    expected = np.einsum("nij,nj->ni", slopes, grid.field().sample(POINTS))
    np.testing.assert_allclose(matrix @ x, expected, atol=1e-12)


@pytest.mark.parametrize("num_cells", [4, 5])
def test_every_control_point_is_one_slot_of_one_tile(num_cells: int) -> None:
    grid = _filled(num_cells)
    control = grid.field().control_px
    assert control.shape == (*grid.shape, 2)
    np.testing.assert_array_equal(np.sort(control.ravel()), np.sort(np.concatenate(grid.blocks)))


def test_points_of_one_place_touch_few_tiles() -> None:
    grid = _filled(9)
    place = grid.place(POINTS)
    for each in np.unique(place):
        touched, _ = grid.design(POINTS[place == each], np.zeros((sum(place == each), 2, 2)))
        assert touched[0] == each
        assert len(touched) <= 9


def test_stencils_cost_an_affine_field_nothing_and_a_ridge_all() -> None:
    grid = _affine(ControlTiles(WIDTH_PX, HEIGHT_PX, 4))
    field = grid.field()
    assert isinstance(field, SplineField)
    assert field.bending() < 1e-12
    total_bending = total_ridge = 0.0
    for tile in range(len(grid.blocks)):
        for bending, ridge in ((1.0, 0.0), (0.0, 2.0)):
            touched, matrix = grid.stencils(tile, bending, ridge)
            if len(matrix):
                x = np.concatenate([grid.blocks[each] for each in touched])
                cost = float(np.sum((matrix @ x) ** 2))
                total_bending += cost if bending else 0.0
                total_ridge += cost if ridge else 0.0
    assert total_bending < 1e-9
    assert total_ridge == pytest.approx(4.0 * np.sum(field.control_px**2), rel=1e-6)


def test_stencils_measure_the_bending_of_a_parabola() -> None:
    """Second differences of control points are exact for a parabola: u_xx is the same all over."""
    grid = ControlTiles(WIDTH_PX, HEIGHT_PX, 4)
    touched, matrix = grid.stencils(0, bending=1.0, ridge=0.0)
    columns = grid.shape[1]
    step = cell_px(WIDTH_PX, columns)
    parabola = 0.5 * 0.01 * (np.arange(columns) * step) ** 2
    for tile in range(len(grid.blocks)):
        across = -(-columns // 2)
        left = 2 * (tile % across)
        width = min(2, columns - left)
        values = np.tile(parabola[left : left + width], len(grid.blocks[tile]) // (2 * width))
        grid.blocks[tile][0::2] = values
    x = np.concatenate([grid.blocks[each] for each in touched])
    values = np.unique(np.round(np.abs(matrix @ x), 9))
    assert values.tolist() == [0.0, 0.01]
