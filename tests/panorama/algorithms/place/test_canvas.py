from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.panorama.algorithms.place.canvas import (
    Box,
    bounding_box,
    circular_range,
    column_runs,
    columns_of,
    cut_out,
    whole,
)

boxes = st.builds(
    Box, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 40), st.integers(1, 40)
)


@given(box=boxes, multiple=st.sampled_from([1, 2, 8, 32]))
def test_aligned_box_is_the_smallest_around(box: Box, multiple: int):
    aligned = box.aligned(multiple)

    assert aligned.clipped(box) == box
    for edge in (aligned.left_px, aligned.top_px, aligned.right_px, aligned.bottom_px):
        assert edge % multiple == 0
    assert aligned.width_px < box.width_px + 2 * multiple
    assert aligned.height_px < box.height_px + 2 * multiple


@given(box=boxes, other=boxes)
def test_clipped_box_holds_the_shared_pixels(box: Box, other: Box):
    def pixels(b: Box) -> set[tuple[int, int]]:
        return {(x, y) for x in range(b.left_px, b.right_px) for y in range(b.top_px, b.bottom_px)}

    assert pixels(box.clipped(other)) == pixels(box) & pixels(other)


@given(occupied=st.lists(st.booleans(), min_size=1, max_size=30).filter(any))
def test_circular_range_holds_all_and_no_shorter_run_does(occupied: list[bool]):
    array = np.array(occupied)
    start, length = circular_range(array)

    def holds(first: int, count: int) -> bool:
        covered = np.zeros(len(array), bool)
        covered[(first + np.arange(count)) % len(array)] = True
        return bool((covered >= array).all())

    assert holds(start, length)
    assert not any(holds(first, length - 1) for first in range(len(array)))


def test_column_runs_join_what_lies_close():
    occupied = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1], bool)

    assert column_runs(occupied, 3) == [(1, 4), (8, 1)]
    assert column_runs(np.zeros(4, bool), 1) == []


def test_cut_out_meets_the_box_in_any_turn_and_fills_with_zero():
    panorama = np.arange(1, 129).reshape(8, 16)
    box = Box(13, 2, 6, 4)
    array = panorama[2:6][:, columns_of(box, 16)]
    window = Box(-4, 1, 8, 8)

    found = cut_out(array, box, window, 16)

    expected = np.zeros((9, 8), int)
    expected[:7] = panorama[1:8][:, columns_of(window, 16)][:7]
    inside = np.zeros((8, 16), bool)
    inside[2:6, columns_of(box, 16)] = True
    seen = inside[1:8][:, columns_of(window, 16)]
    np.testing.assert_array_equal(found[:7], np.where(seen, expected[:7], 0)[:7])
    assert (found[7:] == 0).all()


def test_bounding_box_of_nothing_and_of_a_patch():
    occupied = np.zeros((6, 9), bool)
    assert bounding_box(occupied) is None

    occupied[2:4, 5:8] = True
    assert bounding_box(occupied) == Box(5, 2, 3, 2)
    assert whole(16) == Box(0, 0, 16, 8)
