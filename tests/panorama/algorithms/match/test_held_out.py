from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.match.held_out import is_held_out


def _grid() -> np.ndarray:
    x, y = np.meshgrid(np.arange(0, 2048, 16), np.arange(0, 2048, 16))
    return np.column_stack([x.ravel(), y.ravel()]).astype(float)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_share_is_kept(share: float) -> None:
    chosen = np.mean([is_held_out(image, _grid(), share).mean() for image in range(8)])
    assert chosen == pytest.approx(share, abs=0.02)


def test_whole_blocks_are_held_out() -> None:
    points = _grid()
    chosen = is_held_out(3, points, 0.3)
    blocks = np.unique(np.floor(points / 64), axis=0, return_inverse=True)[1].ravel()
    per_block = np.bincount(blocks, chosen) / np.bincount(blocks)
    assert set(per_block.tolist()) == {0.0, 1.0}


def test_images_differ_and_repetition_agrees() -> None:
    points = _grid()
    assert np.array_equal(is_held_out(1, points, 0.2), is_held_out(1, points, 0.2))
    assert not np.array_equal(is_held_out(1, points, 0.2), is_held_out(2, points, 0.2))


def test_the_choice_never_changes() -> None:
    """Figures of different versions must be judged on the same blocks."""
    points = np.array([[32.0, 32.0], [96.0, 32.0], [160.0, 32.0], [32.0, 96.0], [-5.0, 700.0]])
    assert is_held_out(7, points, 0.5).tolist() == [True, False, True, True, True]
