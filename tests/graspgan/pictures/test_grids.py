from __future__ import annotations

import torch

from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.pictures.grids import adapted_grid
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
