"""Generated pictures: exact boxes, known shapes, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.nas.detection import scenes
from tasks.nas.detection.scenes import CLASSES, MAX_OBJECTS, MAX_OVERLAP, draw_scenes, overlaps


def test_same_seed_gives_the_same_pictures_and_a_longer_set_begins_with_the_shorter() -> None:
    first, again, longer = (draw_scenes(n, 64, 3) for n in (4, 4, 6))
    other = draw_scenes(4, 64, 4)
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.images, longer.images[:4])
    np.testing.assert_array_equal(first.boxes, longer.boxes[: len(first.boxes)])
    assert (first.images != other.images).any()


@pytest.mark.parametrize("name", CLASSES)
def test_a_box_is_that_of_the_pixels_that_the_shape_changes(name: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        placed = scenes._place(name, 64, np.zeros((0, 4)), rng)
        assert placed is not None
        cover, (x0, y0, x1, y1) = placed
        rows, columns = np.nonzero(cover >= 0.5)
        assert (x0, y0, x1, y1) == (
            columns.min(),
            rows.min(),
            columns.max() + 1,
            rows.max() + 1,
        )
        outside = cover.copy()
        outside[int(y0) : int(y1), int(x0) : int(x1)] = 0
        assert outside.max() < 0.5


def test_areas_of_the_outlines_are_those_of_the_figures() -> None:
    radius, wanted = 40.0, {}
    notch = 0.42
    wanted["disc"] = np.pi * 0.9**2
    wanted["ring"] = np.pi * (1 - 0.55**2)
    wanted["square"] = 1.5**2
    wanted["triangle"] = 3 * np.sqrt(3) / 4
    wanted["cross"] = 2 * 1.9 * 0.5 - 0.5**2
    wanted["star"] = 10 * 0.5 * notch * np.sin(np.pi / 5)
    for name, area in wanted.items():
        cover = scenes._cover(name, 96, np.array([48.0, 48.0]), radius, 0.3)
        assert cover.sum() / radius**2 == pytest.approx(area, rel=0.01), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), side_px=st.integers(24, 128))
def test_pictures_hold_one_to_four_objects_apart_from_each_other(seed: int, side_px: int) -> None:
    images = draw_scenes(2, side_px, seed)
    assert images.images.shape == (2, side_px, side_px, 3)
    for _, objects in images:
        assert 1 <= len(objects) <= MAX_OBJECTS
        assert objects.boxes.min() >= 0
        assert objects.boxes.max() <= side_px
        between = overlaps(objects.boxes, objects.boxes)
        np.fill_diagonal(between, 0)
        assert between.max() <= MAX_OVERLAP


def test_colours_do_not_tell_the_class() -> None:
    images = draw_scenes(300, 48, 0)
    centres: dict[int, list[np.ndarray]] = {label: [] for label in range(len(CLASSES))}
    for picture, objects in images:
        for (x0, y0, x1, y1), label in zip(objects.boxes.astype(int), objects.labels, strict=True):
            centres[int(label)].append(picture[y0:y1, x0:x1].mean(axis=(0, 1)))
    means = np.array([np.mean(each, axis=0) for each in centres.values()])
    assert min(len(each) for each in centres.values()) > 60
    assert np.ptp(means, axis=0).max() < 35  # of 255; the spread of single colours is about 60
