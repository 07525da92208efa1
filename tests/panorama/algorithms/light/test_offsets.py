"""Offsets of images of one sphere, so that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.light.offsets import fit_offsets
from tasks.panorama.algorithms.light.views import View
from tasks.panorama.algorithms.place.canvas import Box
from tasks.panorama.types import Float32Array

HEIGHT, WIDTH = 64, 128
NODE_PX = 8


def _view(logs: np.ndarray) -> View:
    colours: Float32Array = np.repeat(logs[..., None], 3, axis=2).astype(np.float32)
    seen = np.ones((HEIGHT, WIDTH), np.bool_)
    return View(colours, seen, np.zeros((HEIGHT, WIDTH, 2), np.float32))


def _flat(grey: float = 128.0) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), np.log(grey))


def _halves() -> np.ndarray:
    """Two images that meet at column 64 and where the sphere closes on itself."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[:, 64:] = 1
    return labels


def _apart(offsets: dict, row: int, column: int) -> float:
    return float((offsets[0].logs - offsets[1].logs)[row // 4, column // 4, 0])


def test_an_exposure_that_is_off_takes_one_value_an_image():
    offsets = fit_offsets({0: _view(_flat(100)), 1: _view(_flat(110))}, _halves(), NODE_PX)

    assert _apart(offsets, 32, 64) == pytest.approx(np.log(1.1), abs=1e-3)
    for offset in offsets.values():
        assert np.ptp(offset.logs[:, 2:14]) < 1e-3 or np.ptp(offset.logs[:, 18:30]) < 1e-3


def test_images_meet_at_both_seams_though_they_differ_by_another_factor_at_each():
    slope = 0.1 * np.cos(2 * np.pi * np.arange(WIDTH) / WIDTH)
    offsets = fit_offsets({0: _view(_flat() + slope), 1: _view(_flat())}, _halves(), NODE_PX)

    assert _apart(offsets, 32, 0) == pytest.approx(-0.1, abs=0.01)
    assert _apart(offsets, 32, 64) == pytest.approx(0.1, abs=0.01)
    steps = np.abs(np.diff(offsets[0].logs[8, :16, 0]))
    assert steps.max() < 2 * steps.mean()  # nowhere steeper than it must be


def test_what_moved_does_not_count():
    logs = _flat()
    logs[24:32, 56:72] += np.random.default_rng(0).normal(0, 0.8, (8, 16))
    offsets = fit_offsets({0: _view(logs), 1: _view(_flat())}, _halves(), NODE_PX)

    assert max(np.abs(offset.logs).max() for offset in offsets.values()) < 0.02


def test_the_dark_bends_nothing_bright():
    dark = np.where(np.arange(HEIGHT)[:, None] < 32, _flat(200), _flat(12))
    off = dark + np.where(np.arange(HEIGHT)[:, None] < 32, 0.0, 0.25)
    offsets = fit_offsets({0: _view(dark), 1: _view(off)}, _halves(), NODE_PX)

    assert abs(_apart(offsets, 16, 64)) < 0.01
    assert _apart(offsets, 56, 64) == pytest.approx(0.25, abs=0.05)


def test_factors_are_smooth_and_go_round():
    offsets = fit_offsets({0: _view(_flat(100)), 1: _view(_flat(110))}, _halves(), NODE_PX)
    width_px = WIDTH * NODE_PX

    across = offsets[0].factors(Box(-40, 100, 80, 30))
    again = offsets[0].factors(Box(width_px - 40, 100, 80, 30))

    assert across.shape == (30, 80, 3)
    np.testing.assert_array_equal(across, again)
    assert np.exp(np.log(1.1) / 2) == pytest.approx(float(across[15, 60, 0]), abs=0.002)


def test_enlarged_offsets_say_the_same_on_a_larger_panorama():
    offsets = fit_offsets({0: _view(_flat(100)), 1: _view(_flat(110))}, _halves(), NODE_PX)

    small = offsets[0].factors(Box(400, 100, 60, 30))
    large = offsets[0].enlarged(2).factors(Box(800, 200, 120, 60))

    np.testing.assert_allclose(large[::2, ::2], small, atol=1e-3)


def test_images_that_do_not_meet_get_none():
    views = {0: _view(_flat(100)), 1: _view(_flat(110))}
    labels = np.full((HEIGHT, WIDTH), 255, np.uint8)
    labels[10:20, 10:20], labels[40:50, 80:90] = 0, 1
    assert fit_offsets(views, labels, NODE_PX) == {}
