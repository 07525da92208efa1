"""Structural similarity against its definition and in cases with a known answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.panorama.metrics.seam_step import luma_of
from tasks.panorama.metrics.similarity import similarity_within, ssim_map


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
    one, other = luma_of(_picture(seed)), luma_of(_picture(seed + 1))
    assert ssim_map(one, one) == pytest.approx(1.0, abs=1e-6)
    assert ssim_map(one, other) == pytest.approx(ssim_map(other, one), abs=1e-6)
    assert -1.0 <= ssim_map(one, other).mean() < 0.9


def test_exposure_is_made_equal():
    one = 0.5 * luma_of(_picture(3))
    everywhere = np.ones(one.shape, bool)
    similarity, area = similarity_within(one, np.float32(1.3) * one, everywhere)
    assert similarity == pytest.approx(1.0, abs=1e-5)
    assert area == (48 - 10) ** 2, "windows of 11 px that lie within"


def test_what_lies_outside_the_mask_does_not_matter():
    one, other = luma_of(_picture(4)), luma_of(_picture(4))
    other[:, :20] = 0
    mask = np.zeros(one.shape, bool)
    mask[:, 20:] = True
    similarity, area = similarity_within(one, other, mask)
    assert similarity == pytest.approx(1.0, abs=1e-6)
    assert area == (48 - 10) * (28 - 10)
    assert similarity_within(one, other, np.ones_like(mask))[0] < 0.9


def test_a_mask_without_room_says_nothing():
    one = luma_of(_picture(5))
    mask = np.zeros(one.shape, bool)
    mask[:10] = True
    assert similarity_within(one, one, mask) == (0.0, 0)
