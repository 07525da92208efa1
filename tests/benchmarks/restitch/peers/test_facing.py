from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.restitch.peers.facing import facing
from benchmarks.restitch.peers.hugin import PeerFailedError
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.metrics.similarity import similarity_within

WIDTH_PX = 1024


def blobs(seed: int) -> np.ndarray:
    """A panorama of blurred noise whose ends meet."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (WIDTH_PX // 16, WIDTH_PX // 8, 3), np.uint8)
    wide = cv2.resize(np.hstack([coarse] * 3), None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(wide[:, WIDTH_PX : 2 * WIDTH_PX])


def test_a_panorama_that_looks_elsewhere_is_turned_back() -> None:
    reference = blobs(0)
    shift_px = 210
    picture = np.roll(reference, shift_px, axis=1)
    covered = np.ones(picture.shape[:2], np.bool_)
    covered[400:] = False

    turned, shown = facing(picture, covered, reference)

    assert 0.75 < shown.mean() < 0.8
    similar, _ = similarity_within(luma_of(reference), luma_of(turned), shown)
    beside, _ = similarity_within(luma_of(reference), luma_of(picture), shown)
    assert beside < 0.5 < 0.98 < similar


def test_a_panorama_of_something_else_can_not_be_turned() -> None:
    with pytest.raises(PeerFailedError, match="matches"):
        facing(blobs(1), np.ones((WIDTH_PX // 2, WIDTH_PX), np.bool_), blobs(2))
