from __future__ import annotations

import io
from math import cos, radians

import numpy as np
import pytest
from PIL import Image

from tasks.panorama.algorithms.stitch.seams import UNCOVERED, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import maps_of
from tasks.panorama.pictures.overlays import (
    Shifts,
    arrow_factor,
    direction_of,
    photo_middles,
    seam_lines,
    shifts_of,
)
from tasks.panorama.types import Alignment, Rig
from tests.support.panorama.spheres import pinhole

WIDTH_PX = 512


def labels_with(*areas: tuple[int, slice, slice]) -> np.ndarray:
    labels = np.full((WIDTH_PX // 2, WIDTH_PX), UNCOVERED, np.uint8)
    for index, rows, columns in areas:
        labels[rows, columns] = index
    return labels


def test_seams_are_drawn_where_photos_meet_and_nowhere_else():
    labels = labels_with((0, slice(50, 200), slice(0, 256)), (1, slice(50, 200), slice(256, 512)))

    drawn = np.asarray(Image.open(io.BytesIO(seam_lines(labels))).convert("RGBA"))

    assert drawn.shape == (WIDTH_PX // 2, WIDTH_PX, 4)
    # in the middle, and at the back, where the last column meets the first
    assert set(np.flatnonzero(drawn[100, :, 3] == 255)) == {254, 255, 256, 510, 511}
    assert drawn[100, 255].tolist() == [255, 220, 30, 255]
    assert not drawn[:40, :, 3].any()
    assert not drawn[100, 20:240, 3].any()


def test_a_photo_has_its_middle_also_round_the_back():
    front = (3, slice(96, 160), slice(192, 320))
    back = (5, slice(96, 160), slice(480, 512)), (5, slice(96, 160), slice(0, 32))

    middles = photo_middles(labels_with(front, *back))

    assert set(middles) == {3, 5}
    assert abs(middles[3][0]) < 30
    assert middles[3][1] == pytest.approx(0, abs=3)
    assert abs(middles[5][0]) == pytest.approx(180, abs=3)


@pytest.mark.parametrize(
    ("column", "row", "expected"),
    [(511.5, 255.5, (180, -90)), (255.5, 127.5, (0, 0)), (-0.5, -0.5, (-180, 90))],
)
def test_directions(column, row, expected):
    assert direction_of(column, row, WIDTH_PX) == pytest.approx(expected)


def test_shifts_are_those_of_the_rig():
    before = Rig((pinhole("a", -20, 0), pinhole("b", 22, 0)))
    after = Rig((before.cameras[0], pinhole("b", 20, 0)))
    maps = maps_of(Alignment(after, (None, None)), WIDTH_PX)
    labels = fixed_labels(maps)

    shifts = shifts_of(maps, labels, before)

    places = np.rint(shifts.after_px).astype(int)
    is_b = labels[places[:, 1], places[:, 0]] == 1
    assert is_b.sum() > 20
    np.testing.assert_allclose(shifts.moved_px[~is_b], 0, atol=0.02)
    turned_px = 2 / 360 * WIDTH_PX
    np.testing.assert_allclose(shifts.moved_px[is_b, 0], -turned_px, atol=0.05)
    np.testing.assert_allclose(shifts.moved_px[is_b, 1], 0, atol=0.05)
    assert shifts.long_px == pytest.approx(turned_px, rel=0.02)


def test_the_shortest_way_leads_round_the_back_and_shrinks_towards_the_poles():
    row = (0.25 - 60 / 360) * WIDTH_PX - 0.5
    shifts = Shifts(WIDTH_PX, np.array([[510.0, row]]), np.array([[2.0, row]]))
    np.testing.assert_allclose(shifts.moved_px, [[4, 0]])
    assert shifts.long_px == pytest.approx(4 * cos(radians(60)))


@pytest.mark.parametrize(("moved_px", "expected"), [(0.1, 50), (2.0, 6), (40.0, 1)])
def test_arrows_are_long_enough_and_do_not_cross(moved_px, expected):
    places = np.array([[100.0, WIDTH_PX / 4]])
    assert arrow_factor(Shifts(WIDTH_PX, places - (moved_px, 0), places)) == expected


def test_nothing_moved_has_no_arrows():
    nothing = Shifts(WIDTH_PX, np.empty((0, 2)), np.empty((0, 2)))
    assert nothing.long_px == 0
    assert arrow_factor(nothing) == 50
