"""Structural similarity against its definition and in cases with a known answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.metrics.similarity import overlap_ssim, ssim, ssim_map


def _picture(seed: int, size: int = 48) -> np.ndarray:
    drawn = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    return cv2.GaussianBlur(drawn, (0, 0), 1.2)


def test_one_pixel_by_the_definition():
    one, other = luma_of(_picture(0)), luma_of(_picture(1))
    steps = np.arange(-5, 6)
    line = np.exp(-(steps**2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    part = (slice(15, 26), slice(18, 29))
    x, y = one[part].astype(float), other[part].astype(float)
    mean_x, mean_y = (window * x).sum(), (window * y).sum()
    var_x, var_y = (window * (x - mean_x) ** 2).sum(), (window * (y - mean_y) ** 2).sum()
    both = (window * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    expected /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    assert ssim_map(one, other)[20, 23] == pytest.approx(expected, rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_identity_symmetry_and_range(seed):
    one, other = _picture(seed), _picture(seed + 1)
    assert ssim(one, one) == pytest.approx(1.0, abs=1e-6)
    assert ssim(one, other) == pytest.approx(ssim(other, one), abs=1e-6)
    assert -1.0 <= ssim(one, other) < 0.9


def test_exposure_is_made_equal():
    one = (0.5 * _picture(3)).astype(np.float32)
    other = one * np.array([1.2, 1.3, 0.8], np.float32)
    both = np.ones(one.shape[:2], bool)
    assert overlap_ssim(one, other, both) == pytest.approx(1.0, abs=1e-5)


def test_what_lies_outside_the_mask_does_not_matter():
    one, other = _picture(4), _picture(4)
    other[:, :20] = 0
    mask = np.zeros(one.shape[:2], bool)
    mask[:, 20:] = True
    assert ssim(one, other, mask) == pytest.approx(1.0, abs=1e-6)
    assert ssim(one, other) < 0.9
    assert overlap_ssim(one, other, mask) == pytest.approx(1.0, abs=1e-5)


def test_a_mask_without_room_is_an_error():
    one = _picture(5)
    with pytest.raises(DataError, match="window"):
        ssim(one, one, np.zeros(one.shape[:2], bool))
    with pytest.raises(DataError, match="overlap"):
        overlap_ssim(one, one, np.zeros(one.shape[:2], bool))
