from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.match.matching import match_pairs
from tasks.panorama.config import MatchConfig
from tasks.panorama.pictures.flow_picture import flow_colours, flow_picture
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere


def test_hue_is_direction_and_saturation_is_length() -> None:
    flow = np.zeros((1, 4, 2), np.float32)
    flow[0, 1], flow[0, 2], flow[0, 3] = (5, 0), (-5, 0), (2.5, 0)
    colours = flow_colours(flow, 5.0).astype(int)[0]
    assert colours[0].tolist() == [255, 255, 255]
    assert colours[1].tolist() == [0, 0, 255]
    assert colours[2].tolist() == [255, 255, 0]
    assert colours[3, 2] == 255
    assert 100 < colours[3, 0] < 155


def test_picture_shows_overlaps_below_each_other() -> None:
    rig = ring_rig(3, 30.0)
    sphere = textured_sphere(1024)
    photos = [photograph(camera, sphere) for camera in rig.cameras]
    found = list(match_pairs(photos, [None] * 3, rig, [(0, 1), (1, 2)], MatchConfig()))
    one = flow_picture([found[0].flow])
    both = flow_picture([pair.flow for pair in found])
    assert one.shape[1] == both.shape[1] == 1280
    assert both.shape[0] > 1.8 * one.shape[0]
    assert both.std() > 10
