from __future__ import annotations

import numpy as np

from tasks.nas.proxies.children import child_scores
from tasks.nas.proxies.scores import SCORES
from tasks.nas.search.budgets import PROXIES
from tasks.nas.space.genotype_space import GenotypeSpace
from tasks.nas.training.standard import Standard
from tests.support.nas.image_sets import coloured


def test_children_are_scored_by_their_cells_alone() -> None:
    space = GenotypeSpace(num_blocks=2)
    standard = Standard((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    score = child_scores(space, PROXIES["tiny"][0], coloured(64), standard, 3)
    first, other = (space.decisions.draw(np.random.default_rng(seed)) for seed in (0, 1))
    half = len(first) // 2
    swapped = (*first[2:4], *first[:2], *first[4:half], *first[half:])
    assert swapped != first
    assert score(first).keys() == SCORES.keys()
    assert score(first) == score(first) == score(swapped)
    assert score(first) != score(other)
