from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.match.confidence import best_per_block, structure, weights


def test_structure_needs_change_in_two_directions() -> None:
    y, x = np.mgrid[:64, :64]
    flat = np.full((64, 64), 100, np.uint8)
    edge = np.where(x > 32, 200, 50).astype(np.uint8)
    corners = (((x // 4 + y // 4) % 2) * 150 + 50).astype(np.uint8)
    inner = (slice(10, -10), slice(10, -10))
    assert structure(flat).max() == 0
    assert structure(edge)[inner].max() < 0.1
    assert structure(corners)[inner].min() > 3


def test_each_block_gives_its_best_usable_pixel() -> None:
    score = np.zeros((20, 30), np.float32)
    score[3, 4], score[12, 25], score[2, 12] = 5.0, 7.0, 9.0
    usable = np.zeros((20, 30), bool)
    usable[3, 4] = usable[12, 25] = usable[5, 5] = True
    assert best_per_block(score, usable, 10).tolist() == [[4, 3], [25, 12]]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 16), st.integers(0, 2**31))
def test_at_most_one_match_per_block_and_each_is_usable(
    height: int, width: int, block: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    usable = rng.random((height, width)) < 0.2
    best = best_per_block(rng.random((height, width)).astype(np.float32), usable, block)
    assert usable[best[:, 1], best[:, 0]].all()
    tiles = {(x // block, y // block) for x, y in best.tolist()}
    expected = {(x // block, y // block) for y, x in np.argwhere(usable).tolist()}
    assert len(tiles) == len(best)
    assert tiles == expected


def test_weights_fall_with_the_round_trip() -> None:
    values = weights(np.array([0.0, 0.3, 3.0]))
    assert values[0] == 1.0
    assert np.all(np.diff(values) < 0)
    assert values[-1] > 0
