from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.stitch.equirect import directions, to_pixels


def test_known_places():
    forward, right, down = [0.0, 0, 1], [1.0, 0, 0], [0.0, 1, 0]
    places = to_pixels(np.array([forward, right, down]), 400)
    assert np.allclose(places, [[199.5, 99.5], [299.5, 99.5], [199.5, 199.5]])


def test_first_pixel_looks_up_and_back():
    first = directions(4, 2)[0, 0]
    assert np.allclose(first, [-0.5, -np.sqrt(0.5), -0.5], atol=1e-6)


@given(st.integers(1, 40).map(lambda n: 4 * n), st.integers(0, 5), st.integers(1, 9))
def test_round_trip_and_rows(width_px, first, num):
    height_px = width_px // 2
    whole = directions(width_px, height_px)
    part = directions(width_px, height_px, slice(first, first + num))
    assert np.array_equal(part, whole[first : first + num])
    columns, rows = np.meshgrid(np.arange(width_px), np.arange(height_px))
    expected = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    assert np.abs(to_pixels(whole.reshape(-1, 3), width_px) - expected).max() < 1e-4 * width_px
