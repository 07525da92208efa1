from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.algorithms.stitch.seam_excess import SeamExcess
from tasks.panorama.pictures.worst_places import WorstPlace, crop, window_around, worst_places


def upright_seam(column: int, rows: range, differences: np.ndarray) -> SeamExcess:
    places = np.column_stack([np.full(len(rows), column), np.array(rows)])
    return SeamExcess((0, 1), places, differences, 1.0)


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
