"""A street is a canyon: ground below, houses on both sides, the sky above."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.scenes.street import build_street
from tests.support.panorama.scene_rays import cast_along, spread

FOCAL_PX = 24.0  # coarse pictures are enough to be met


@pytest.fixture(scope="module")
def street():
    return build_street(np.random.default_rng(5), FOCAL_PX)


def test_the_ground_is_as_far_below_as_the_rig_stands_high(street):
    distance, _ = cast_along(street, (0.0, 1.0, 0.0))
    assert distance == pytest.approx([2.3], abs=1e-5)


def test_houses_close_both_sides_and_both_ends(street):
    level = [(np.cos(a), -0.15, np.sin(a)) for a in np.linspace(0, 2 * np.pi, 720)]
    distance, _ = cast_along(street, level)
    assert np.isfinite(distance).mean() > 0.95, "but for gaps between houses"
    aside = distance[[0, 360]]
    assert (aside < 12.0).all()
    assert np.nanmax(distance[np.isfinite(distance)]) < 90.0


def test_nothing_stands_where_the_rig_drives(street):
    distance, _ = cast_along(street, spread(4000))
    assert distance.min() > 1.5


def test_above_is_the_sky(street):
    assert street.sky is not None
    assert np.isinf(cast_along(street, (0.0, -1.0, 0.0))[0]).all()


def test_draws_decide_the_street(street):
    again = build_street(np.random.default_rng(5), FOCAL_PX)
    np.testing.assert_array_equal(again.corners, street.corners)
    other = build_street(np.random.default_rng(6), FOCAL_PX)
    assert other.corners.shape != street.corners.shape or (other.corners != street.corners).any()
