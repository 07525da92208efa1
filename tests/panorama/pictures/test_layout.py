from __future__ import annotations

import numpy as np

from tasks.panorama.pictures.layout import captioned, fitted, side_by_side, stacked


def grey(height: int, width: int, value: int = 90) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_captions_are_drawn_above_and_the_pictures_stay_whole():
    left, right = grey(60, 200, 10), grey(60, 200, 200)

    pair = side_by_side(left, right, "before", "after, a caption that is far too long for it")

    caption_px = pair.shape[0] - 60
    np.testing.assert_array_equal(pair[caption_px:, :200], left)
    np.testing.assert_array_equal(pair[caption_px:, -200:], right)
    assert pair[:caption_px, :200].max() > 200
    assert pair[:caption_px, 195:200].max() < 50


def test_caption_takes_any_text():
    assert captioned(grey(10, 100), "für – 東京").shape == captioned(grey(10, 100), "").shape


def test_stack_holds_every_picture():
    column = stacked([grey(20, 50, 50 + 10 * k) for k in range(5)])

    assert {50 + 10 * k for k in range(5)} <= set(np.unique(column))
    assert column.shape[1] == 50


def test_fitted_shrinks_only():
    assert fitted(grey(50, 100), 40).shape == (20, 40, 3)
    assert fitted(grey(50, 100), 400).shape == (50, 100, 3)
