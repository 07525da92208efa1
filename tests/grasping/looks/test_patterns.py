"""Made-up textures: no seam, something to see, and as many colours as they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.grasping.looks.patterns import (
    ABSTRACT,
    NATURAL,
    camouflage,
    checks,
    dots,
    patches,
    wood,
)

SIDE_PX = 128
ALL = [*ABSTRACT, *NATURAL, camouflage]


@pytest.mark.parametrize("pattern", ALL, ids=lambda pattern: pattern.__name__)
def test_patterns_show_something_and_have_no_seam(pattern):
    for seed in range(5):
        image = pattern(np.random.default_rng(seed), SIDE_PX).astype(float)
        assert image.std(axis=(0, 1)).max() > 3
        for axis in (0, 1):
            steps = np.abs(np.diff(image, axis=axis)).mean(axis=(1 - axis, 2))
            first, last = np.take(image, 0, axis), np.take(image, -1, axis)
            assert np.abs(first - last).mean() <= steps.max() + 3


@pytest.mark.parametrize("pattern", ALL, ids=lambda pattern: pattern.__name__)
def test_only_the_generator_decides(pattern):
    first, again = (pattern(np.random.default_rng(3), 32) for _ in range(2))
    assert first.shape == (32, 32, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (pattern(np.random.default_rng(4), 32) != first).any()


@pytest.mark.parametrize("seed", range(5))
def test_hard_patterns_show_their_colours_alone(seed):
    for pattern, fewest, most in (
        (checks, 2, 2), (dots, 2, 2), (patches, 4, 23), (camouflage, 3, 3),
    ):  # fmt: skip
        image = pattern(np.random.default_rng(seed), SIDE_PX)
        num_colours = len(np.unique(image.reshape(-1, 3), axis=0))
        assert fewest <= num_colours <= most, pattern.__name__


@pytest.mark.parametrize("seed", range(5))
def test_squares_are_as_many_as_they_are_large(seed):
    image = checks(np.random.default_rng(seed), SIDE_PX)
    is_first = (image == image[0, 0]).all(axis=-1)
    edges = [np.diff(line.astype(int)).astype(bool).sum() for line in (is_first[0], is_first[:, 0])]
    assert all(num % 2 == 1 for num in edges), "an even number of squares meets without a seam"
    assert abs(is_first.mean() - 0.5) < 0.1


def test_wood_is_brown_and_has_its_grain_along_one_axis():
    image = wood(np.random.default_rng(2), SIDE_PX).astype(float)
    red, green, blue = image.reshape(-1, 3).mean(axis=0)
    assert red > green > blue
    across, along = (np.abs(np.diff(image, axis=axis)).mean() for axis in (1, 0))
    assert across > along


@pytest.mark.parametrize("seed", range(5))
def test_camouflage_has_blobs_of_one_size_and_three_greys_far_apart(seed):
    grey = camouflage(np.random.default_rng(seed), SIDE_PX).astype(float).mean(-1)
    values, counts = np.unique(grey, return_counts=True)
    assert np.diff(values).min() > 15
    assert counts.min() > 0.15 * SIDE_PX**2
    assert grey.std() > 45
    edges = [np.count_nonzero(np.diff(grey, axis=axis)) / SIDE_PX for axis in (0, 1)]
    assert 5 < min(edges) < max(edges) < 10, "noise of 2.9 waves crosses a level 4 times a repeat"
