"""Seam steps and sharpness of pictures made so that the answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.panorama.metrics.seam_step import (
    UNCOVERED,
    luma_of,
    measure_seam_steps,
    seam_sharpness,
)

HEIGHT, WIDTH = 160, 320


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(np.rint(values), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _noise(seed: int = 0, sigma_px: float = 1.5) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    smooth = cv2.GaussianBlur(np.tile(drawn, 3), (0, 0), sigma_px)[:, WIDTH : 2 * WIDTH]
    return 120.0 + 30.0 * smooth / smooth.std()


def _halves() -> np.ndarray:
    """Two images: a seam at x = 120 and the other at x = 280."""
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:, 120:280] = 1
    return labels


def test_a_known_step_on_a_ramp():
    # A ramp of 1 grey level a pixel, 9 more at each seam: (1 + 9) / 1.
    ramp = np.abs(np.arange(WIDTH) - 200.0)[None, :].repeat(HEIGHT, 0)
    labels = _halves()
    picture = _grey(ramp + 9.0 * (labels == 0))
    result = measure_seam_steps(picture, labels)
    assert result.ratio == pytest.approx(10.0, rel=0.06)
    assert len(result.seams) == 1
    assert (result.seams[0].image_a, result.seams[0].image_b) == (0, 1)
    assert result.worst == pytest.approx(result.ratio)


def test_no_step_is_one():
    assert measure_seam_steps(_grey(_noise()), _halves()).ratio == pytest.approx(1.0, abs=0.08)


def test_slanted_seams_are_measured_along_their_normal():
    # Around the seam the picture rises by 4.24 a px along the diagonal, the normal (3 from
    # pixel to pixel), and by 27 more at the seam; bilinear reading over 1 px sees 81 % of that.
    slope = 3.0 * np.sqrt(2.0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    from_seam = (x + y - 240.5) / np.sqrt(2.0)
    wave = slope * np.abs((from_seam + 72.0) % 96.0 - 48.0)
    labels = np.where(from_seam > 0, 1, 0)
    labels[:, :60] = UNCOVERED
    labels[:, -60:] = UNCOVERED
    assert measure_seam_steps(_grey(wave), labels).ratio == pytest.approx(1.0, abs=0.03)
    stepped = _grey(wave + 27.0 * (labels == 1))
    ratio = measure_seam_steps(stepped, labels).ratio
    assert ratio == pytest.approx((slope + 0.81 * 27.0) / slope, rel=0.05)


def test_the_seam_at_the_border_of_the_picture_is_found():
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:, : WIDTH // 2] = 1
    picture = _grey(_noise() + 25.0 * (labels == 0))
    counted = np.zeros_like(labels, bool)
    counted[:, :30] = True
    counted[:, -30:] = True
    result = measure_seam_steps(picture, labels, counted)
    assert result.num_points > 0.9 * HEIGHT
    assert result.ratio > 1.5


def test_sky_does_not_count():
    labels = _halves()
    stepped = _noise() + 60.0 * (labels == 1) * (np.arange(HEIGHT) < 80)[:, None]
    counted = np.zeros_like(labels, bool)
    counted[90:] = True
    assert measure_seam_steps(_grey(stepped), labels, counted).ratio < 1.3
    assert measure_seam_steps(_grey(stepped), labels).ratio > 2.0


def test_the_worst_seam_is_named():
    labels = np.repeat(np.arange(4) * 1, WIDTH // 4)[None, :].repeat(HEIGHT, 0)
    picture = _grey(_noise() + 40.0 * (labels == 2))
    seams = {(s.image_a, s.image_b): s.ratio for s in measure_seam_steps(picture, labels).seams}
    assert set(seams) == {(0, 1), (1, 2), (2, 3), (0, 3)}
    assert min(seams[1, 2], seams[2, 3]) > 2.0 > 1.3 > max(seams[0, 1], seams[0, 3])
    assert measure_seam_steps(picture, labels).worst == max(seams.values())


def test_no_seam_is_an_error():
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    with pytest.raises(DataError, match="expected a seam"):
        measure_seam_steps(_grey(_noise()), labels)
    with pytest.raises(DataError, match="expected a seam"):
        seam_sharpness(_grey(_noise()), _grey(_noise()), labels)


@pytest.mark.parametrize("row", [8, HEIGHT - 8])
def test_a_seam_too_near_the_pole_is_left_out(row):
    labels = np.repeat(np.arange(HEIGHT) >= row, WIDTH).reshape(HEIGHT, WIDTH).astype(np.int64)
    with pytest.raises(DataError, match="expected a seam"):
        measure_seam_steps(_grey(_noise()), labels)
    further = np.roll(labels, 12 if row < 80 else -12, axis=0)
    further[:12], further[-12:] = 0, 1
    assert measure_seam_steps(_grey(_noise()), further).num_points == WIDTH


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(0, WIDTH))
def test_turning_the_panorama_changes_nothing(seed, turn):
    picture = _grey(_noise(seed) + 20.0 * (_halves() == 1))
    still = measure_seam_steps(picture, _halves())
    turned = measure_seam_steps(np.roll(picture, turn, axis=1), np.roll(_halves(), turn, axis=1))
    assert turned.ratio == pytest.approx(still.ratio, rel=1e-6)
    assert turned.num_points == still.num_points


def test_blur_near_the_seam_lowers_sharpness():
    labels, sources = _halves(), _grey(_noise())
    assert seam_sharpness(sources, sources, labels) == pytest.approx(1.0)
    blurred = cv2.GaussianBlur(sources, (0, 0), 2.0)
    assert seam_sharpness(blurred, sources, labels) < 0.6
    far = sources.copy()
    far[:, 180:220] = blurred[:, 180:220]
    assert seam_sharpness(far, sources, labels) == pytest.approx(1.0)


def test_luma_weighs_green_most():
    pixel = np.zeros((1, 3, 3), np.uint8)
    pixel[0, [0, 1, 2], [0, 1, 2]] = 255
    assert luma_of(pixel)[0] == pytest.approx([29.07, 149.685, 76.245], abs=1e-3)
