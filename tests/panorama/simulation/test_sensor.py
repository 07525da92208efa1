"""Exposure, vignetting and noise."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.simulation.sensor import draw_photometry, expose
from tasks.panorama.types import Photometry

EVEN = np.full((61, 81, 3), 200.0, np.float32)


def test_gains_are_relative_and_spread():
    gains = draw_photometry(SimulationConfig(), np.random.default_rng(0)).gains
    assert gains.shape == (15, 3)
    assert np.log(gains).mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert 1.15 < gains.max() / gains.min() < 1.5
    # The channels of one photo differ far less than the photos do.
    assert (gains.std(axis=1) < 0.03).all()


def test_corners_lose_what_was_asked_for():
    photometry = draw_photometry(
        SimulationConfig(gain_spread=0.0, colour_spread=0.0), np.random.default_rng(0)
    )
    photo = expose(EVEN, photometry, 0, 0.0, np.random.default_rng(0))
    assert photo.dtype == np.uint8
    assert photo[30, 40, 0] == 200
    # The corner pixel's centre lies just within the corner.
    assert photo[0, 0].astype(int) == pytest.approx([140, 140, 140], abs=2)


def test_gain_and_noise():
    photometry = Photometry(np.array([[0.5, 1.0, 1.2]]), (0.0, 0.0))
    photo = expose(EVEN, photometry, 0, 3.0, np.random.default_rng(1)).astype(float)
    assert photo.mean(axis=(0, 1)) == pytest.approx([100.0, 200.0, 240.0], abs=0.3)
    assert photo[..., :2].std(axis=(0, 1)) == pytest.approx([3.0, 3.0], rel=0.1)


def test_white_stays_white():
    photometry = Photometry(np.array([[2.0, 2.0, 2.0]]), (0.0, 0.0))
    assert (expose(EVEN, photometry, 0, 0.0, np.random.default_rng(0)) == 255).all()
