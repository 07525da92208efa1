from __future__ import annotations

import numpy as np
import pytest

from tasks.nas.manifests import Rung
from tasks.nas.proxies.cells import CellScores
from tasks.nas.proxies.scores import SCORES
from tasks.nas.search.genotype_space import GenotypeSpace

SPACE = GenotypeSpace(num_blocks=2)
RUNG = Rung(image_px=8, num_filters=2, num_cells=1, num_images=64, num_validation=64, num_epochs=1)


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, 3, 8, 8)).astype(np.float32)
    return CellScores(SPACE, RUNG, 10, images, np.arange(4))


def swapped(child):
    """The same cells with the two edges of the first block exchanged."""
    return (*child[2:4], *child[:2], *child[4:])


def test_children_are_scored_alike_whenever_and_however_they_are_written(scores):
    child = SPACE.decisions.draw(np.random.default_rng(1))
    while swapped(child) == child:
        child = SPACE.decisions.draw(np.random.default_rng(sum(child)))

    first = scores(child)

    assert first.keys() == SCORES.keys()
    assert scores(child) == scores(swapped(child)) == first
    assert scores(SPACE.decisions.draw(np.random.default_rng(9))) != first


def test_costs_add_up(scores):
    child = SPACE.decisions.draw(np.random.default_rng(1))
    scores(child)
    once = dict(scores.cpu_s)
    scores(child)
    assert scores.cpu_s.keys() == SCORES.keys()
    assert sum(scores.cpu_s.values()) > sum(once.values()) > 0
