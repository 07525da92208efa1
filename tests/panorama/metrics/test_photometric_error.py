"""Errors of gains."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.metrics.photometric_error import gain_error_rms
from tasks.panorama.types import Photometry

TRUTH = Photometry(np.array([[1.0, 1.1, 0.9], [1.2, 0.8, 1.0], [0.7, 1.0, 1.3]]), (-0.2, -0.1))


def test_a_common_factor_per_channel_is_no_error():
    scaled = Photometry(TRUTH.gains * [2.0, 0.5, 1.7], TRUTH.vignetting)
    assert gain_error_rms(scaled, TRUTH) < 1e-12


def test_known_error():
    wrong = TRUTH.gains * np.exp([[0.01, 0, 0], [-0.01, 0, 0], [0, 0, 0]])
    expected = np.sqrt((np.expm1(0.01) ** 2 + np.expm1(-0.01) ** 2) / 9)
    assert gain_error_rms(Photometry(wrong, (0.0, 0.0)), TRUTH) == pytest.approx(expected)
