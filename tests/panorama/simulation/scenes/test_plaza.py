"""A square: paving all around, things near, fronts on all four sides."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.scenes.plaza import build_plaza
from tests.support.panorama.scene_rays import cast_along, spread

FOCAL_PX = 16.0  # coarse pictures are enough to be met


@pytest.fixture(scope="module")
def plaza():
    return build_plaza(np.random.default_rng(5), FOCAL_PX)


def test_the_paving_is_as_far_below_as_the_tripod_is_high(plaza):
    distance, _ = cast_along(plaza, [(0.0, 1.0, 0.0), (0.1, 1.0, 0.2)])
    assert distance == pytest.approx([1.7, 1.7 * np.sqrt(1.05)], abs=1e-5)


def test_fronts_close_it_on_all_sides(plaza):
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    distance, _ = cast_along(plaza, [(np.cos(a), -0.2, np.sin(a)) for a in angles])
    assert np.isfinite(distance).mean() > 0.97
    assert distance[np.isfinite(distance)].max() < 27.0 * np.sqrt(2) * 1.05


def test_things_are_near_all_around_but_not_at_the_rig(plaza):
    distance, _ = cast_along(plaza, spread(4000))
    assert distance.min() > 0.9, "even a bench's end or a tree's crown"
    level = [(np.cos(a), 0.18, np.sin(a)) for a in np.linspace(0, 2 * np.pi, 720, endpoint=False)]
    near = cast_along(plaza, level)[0] < 6.0
    assert all(quarter.any() for quarter in np.split(near, 4)), "parallax in every direction"


def test_draws_decide_the_square(plaza):
    again = build_plaza(np.random.default_rng(5), FOCAL_PX)
    np.testing.assert_array_equal(again.corners, plaza.corners)
    np.testing.assert_array_equal(again.centres, plaza.centres)
