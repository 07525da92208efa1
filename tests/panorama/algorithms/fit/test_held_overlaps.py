from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.panorama.algorithms.fit.held_overlaps import hold_overlaps
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.spheres import pinhole

NONE = (None, None, None)
RIG = Rig(tuple(pinhole(f"c{k}", 40.0 * k, 0.0) for k in range(3)))


def test_held_matches_say_what_the_calibration_says() -> None:
    turned = Rig((*RIG.cameras[:2], pinhole("c2", 82.0, 1.0)))
    matches = matches_under(Alignment(turned, NONE), [(0, 1), (1, 2)], 200)
    matches = replace(matches, held_out=np.arange(len(matches)) % 2 == 0)
    own = matches.image_a == 1

    found = hold_overlaps(matches, [(1, 2)], RIG)

    held = found.image_a == 1
    assert errors_px(Alignment(RIG, NONE), matches.select(own)).min() > 5
    assert errors_px(Alignment(RIG, NONE), found.select(held)).max() < 1e-6
    assert 0 < held.sum() <= own.sum()
    assert not found.held_out[held].any()
    assert (found.weights[held] < matches.weights.min()).all()


def test_other_overlaps_stay_as_they_are() -> None:
    matches = matches_under(Alignment(RIG, NONE), [(0, 1), (1, 2)], 50)

    found = hold_overlaps(matches, [(1, 2)], RIG)

    np.testing.assert_array_equal(
        found.select(found.image_a == 0).points_b_px,
        matches.select(matches.image_a == 0).points_b_px,
    )
    assert len(hold_overlaps(matches, [], RIG)) == len(matches)


def test_pixels_that_the_second_image_does_not_see_are_left_out() -> None:
    matches = matches_under(Alignment(RIG, NONE), [(0, 1)], 200)
    aside = Rig((RIG.cameras[0], pinhole("c1", 60.0, 0.0), RIG.cameras[2]))

    found = hold_overlaps(matches, [(0, 1)], aside)

    size = (aside.cameras[1].width_px, aside.cameras[1].height_px)
    assert 0 < len(found) < len(matches)
    assert ((found.points_b_px >= -0.5) & (found.points_b_px <= np.array(size) - 0.5)).all()
