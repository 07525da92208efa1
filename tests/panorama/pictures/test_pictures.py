from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.stitch.canvas import Box
from tasks.panorama.algorithms.stitch.seam_excess import SeamExcess
from tasks.panorama.pictures.pictures import (
    WorstPlace,
    captioned,
    contact_sheet,
    crop,
    fitted,
    side_by_side,
    stacked,
    window_around,
    worst_places,
)


def upright_seam(column: int, rows: range, differences: np.ndarray) -> SeamExcess:
    places = np.column_stack([np.full(len(rows), column), np.array(rows)])
    return SeamExcess((0, 1), places, differences, 1.0)


def grey(height: int, width: int, value: int = 90) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_worst_places_lie_where_the_images_differ_most():
    rows = range(100, 500)
    differences = np.ones(400)
    differences[250:300] = 40.0
    differences[50:100] = 20.0
    flat = upright_seam(900, rows, np.full(400, 5.0))

    first, second, third = worst_places([flat, upright_seam(300, rows, differences)], 3, 60)

    assert (first.column_px, second.column_px, third.column_px) == (300, 300, 900)
    assert abs(first.row_px - 375) < 30
    assert abs(second.row_px - 175) < 30
    assert first.difference > second.difference > third.difference


def test_worst_places_keep_apart_and_may_be_fewer():
    seam = upright_seam(300, range(100, 200), np.linspace(1, 30, 100))

    assert len(worst_places([seam], 5, 80)) <= 2
    assert worst_places([], 3, 80) == []


def test_window_lies_around_its_place_and_within_what_is_covered():
    covered = Box(0, 20, 1024, 400)

    def window(column: int, row: int, width: int = 80, height: int = 40) -> Box:
        return window_around(WorstPlace((0, 1), column, row, 1.0), 2, (width, height), covered)

    assert window(200, 128) == Box(360, 236, 80, 40)
    assert window(10, 2) == Box(0, 20, 80, 40)
    assert window(510, 209) == Box(944, 380, 80, 40)
    assert window(200, 128, 4000, 4000) == covered


def test_crop_goes_on_over_the_border():
    panorama = np.zeros((8, 16, 3), np.uint8)
    panorama[..., 0] = np.arange(16)

    np.testing.assert_array_equal(crop(panorama, Box(-2, 3, 4, 2))[..., 0], [[14, 15, 0, 1]] * 2)


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


def test_stack_and_sheet_hold_every_picture():
    pictures = [grey(20, 50, 50 + 10 * k) for k in range(5)]

    column, sheet = stacked(pictures), contact_sheet(pictures, width_px=120)

    for picture in (column, sheet):
        assert {50 + 10 * k for k in range(5)} <= set(np.unique(picture))
    assert column.shape[1] == 50
    assert sheet.shape[1] <= 120 + 6
    assert sheet.shape[0] < column.shape[0]


def test_fitted_shrinks_only():
    assert fitted(grey(50, 100), 40).shape == (20, 40, 3)
    assert fitted(grey(50, 100), 400).shape == (50, 100, 3)
