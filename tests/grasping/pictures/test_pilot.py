from __future__ import annotations

import cv2
import numpy as np

from tasks.grasping.algorithms.steering import Rate, steer
from tasks.grasping.config import PolicyConfig
from tasks.grasping.pictures.pilot import draw_pilot


def drawn(path, low, high):
    rates = {"uniform": Rate(240, 40), "near_object": Rate(240, 130)}
    policy = PolicyConfig(success_low=low, success_high=high)
    draw_pilot(rates, steer(rates, policy), policy, path)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(int)


def near(image, colour):
    return np.abs(image - colour).max(axis=2) < 8


def test_the_band_and_the_chosen_mixture_are_seen(tmp_path):
    image = drawn(tmp_path / "wide.png", 0.3, 0.6)
    band = np.flatnonzero(near(image, (217, 240, 225)).any(axis=0))
    chosen = np.flatnonzero(near(image, (10, 122, 75)).any(axis=0))
    assert chosen.size > 10, "the mixture's own colour"
    assert band[0] < chosen[0] < chosen[-1] < band[-1], "a sure mixture lies inside of the band"
    narrow = np.flatnonzero(
        near(drawn(tmp_path / "narrow.png", 0.4, 0.5), (217, 240, 225)).any(axis=0)
    )
    assert 0.28 < np.ptp(narrow) / np.ptp(band) < 0.38
