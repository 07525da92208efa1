from __future__ import annotations

import numpy as np

from tasks.grasping.algorithms.steering import Rate, steer
from tasks.grasping.config import PolicyConfig
from tasks.grasping.data.png import decode_rgb
from tasks.grasping.pictures.pilot import pilot_plot


def drawn(low, high):
    rates = {"uniform": Rate(240, 40), "near_object": Rate(240, 130)}
    policy = PolicyConfig(success_low=low, success_high=high)
    return decode_rgb(pilot_plot(rates, steer(rates, policy), policy)).astype(int)


def near(image, colour):
    return np.abs(image - colour).max(axis=2) < 8


def test_the_band_and_the_chosen_mixture_are_seen():
    image = drawn(0.3, 0.6)
    band = np.flatnonzero(near(image, (217, 240, 225)).any(axis=0))
    chosen = np.flatnonzero(near(image, (22, 130, 60)).any(axis=0))
    assert chosen.size > 10, "the mixture's own colour"
    assert band[0] < chosen[0] < chosen[-1] < band[-1], "a sure mixture lies inside of the band"
    narrow = np.flatnonzero(near(drawn(0.4, 0.5), (217, 240, 225)).any(axis=0))
    assert 0.28 < np.ptp(narrow) / np.ptp(band) < 0.38
