from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate.bundle_rays import bearings
from tasks.panorama.algorithms.calibrate.features import PairMatches
from tasks.panorama.algorithms.calibrate.photo_links import describe, find_links

CENTRE = np.array([199.5, 149.5])
SIZES = [(400, 300)] * 2


def turned_pair(focal_px: float, num: int = 80) -> PairMatches:
    """Matches of two photos 25 degrees apart."""
    points = np.random.default_rng(0).uniform([20, -140], [190, 140], (num, 2))
    turn = Rotation.from_euler("y", -25, degrees=True).as_matrix()
    other = bearings(points, focal_px, 0.0) @ turn.T
    there = focal_px * other[:, :2] / other[:, 2:]
    return PairMatches(0, 1, points + CENTRE, there + CENTRE)


@pytest.mark.parametrize("focal_px", [250.0, 400.0, 900.0])
def test_focal_length_is_found(focal_px):
    photos = describe(SIZES, [None, None])
    factor, links = find_links(photos, [turned_pair(focal_px)], 0.006)
    assert factor * photos.focal_px[0] == pytest.approx(focal_px, rel=0.1)
    assert len(links) == 1
    assert links[0].rotation.inliers.mean() > 0.8


def test_many_matches_outweigh_exif():
    photos = describe(SIZES, [600.0, 600.0])
    factor, _ = find_links(photos, [turned_pair(400.0, num=400)], 0.006)
    assert factor * 600 == pytest.approx(400, rel=0.1)


def test_few_matches_do_not():
    photos = describe(SIZES, [480.0, 480.0])
    factor, _ = find_links(photos, [turned_pair(400.0, num=14)], 0.006)
    assert factor == pytest.approx(1, abs=0.1)


def test_groups():
    photos = describe([(400, 300), (300, 400), (200, 150)], [320.0, None, None])
    assert photos.focal_groups[0] == photos.focal_groups[1] != photos.focal_groups[2]
    assert photos.focal_px[photos.focal_groups].tolist() == [320, 320, 160]


def test_wrong_matches_make_no_link():
    rng = np.random.default_rng(1)
    pair = PairMatches(0, 1, rng.uniform(0, 300, (60, 2)), rng.uniform(0, 300, (60, 2)))
    assert find_links(describe(SIZES, [None, None]), [pair], 0.006)[1] == []
