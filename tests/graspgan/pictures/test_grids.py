from __future__ import annotations

import numpy as np
import torch

from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.pictures.grids import _grid, adapted_grid
from tests.support.graspgan.toy_pools import NUM_STATIONS, SIDE_PX, toy_pool


def test_a_grid_shows_what_was_given_made_and_wanted() -> None:
    torch.manual_seed(0)
    generator = Generator(1, 5, NUM_STATIONS, widths=(8, 12))
    grid = adapted_grid(generator, toy_pool(12), toy_pool(30, brightness=100), 3, 0)
    cell = 3 * SIDE_PX + 4
    assert grid.shape == ((2 + 2 * NUM_STATIONS) * cell, 3 * cell, 3)
    given, made, real = grid[:cell], grid[cell : 2 * cell], grid[-cell:]
    assert abs(given.mean() - made.mean()) < 2, "an untrained generator changes nothing"
    assert real.mean() > given.mean() + 40


def test_large_pictures_are_made_smaller() -> None:
    rows = [np.full((2, 400, 400, 3), 90, np.uint8)]
    assert _grid(rows).shape == (196, 2 * 196, 3)
    assert _grid(rows)[98, 98].tolist() == [90, 90, 90]
