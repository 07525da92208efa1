from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.calibrate import features
from tasks.panorama.algorithms.calibrate.features import find_features, match_features
from tests.support.panorama.views import textured_sphere


def test_shifted_copies_match_where_they_should(monkeypatch):
    monkeypatch.setattr(features, "WORK_PIXELS", 60_000)
    sphere = textured_sphere()
    image, shifted = sphere[100:500, 100:500], sphere[120:520, 160:560]
    (pair,) = match_features([find_features(image), find_features(shifted)])
    assert (pair.first, pair.second) == (0, 1)
    offsets = pair.points_first_px - pair.points_second_px
    right = np.linalg.norm(offsets - (60, 20), axis=1) < 1.5
    assert len(pair) > 50
    assert right.mean() > 0.9


def test_image_without_features():
    blank = find_features(np.full((50, 60, 3), 77, np.uint8))
    assert blank.points_px.shape == (0, 2)
    (pair,) = match_features([blank, blank])
    assert len(pair) == 0
