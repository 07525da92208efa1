from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.match.flow import (
    flow_both_ways,
    follow,
    halved,
    normalise,
    refined,
    round_trip_px,
)
from tests.support.panorama.views import textured_sphere

SHIFT_PX = (5, 2)


def _texture() -> np.ndarray:
    return textured_sphere(512)[40:200, 40:300]


def _shifted(image: np.ndarray) -> np.ndarray:
    return np.roll(image, SHIFT_PX, axis=(1, 0))


@pytest.mark.parametrize("gain", [1.0, 0.6, 1.3])
def test_flow_finds_a_shift_whatever_the_exposure(gain: float) -> None:
    image = _texture()
    other = np.clip(_shifted(image) * np.linspace(gain, 0.8 * gain, 260)[None, :, None], 0, 255)
    flow = flow_both_ways(normalise(image), normalise(other.astype(np.uint8)))
    inner = (slice(24, -24), slice(24, -24))
    off = np.linalg.norm(flow.forth[inner] - SHIFT_PX, axis=-1)
    assert np.median(off) < 0.15
    assert np.median(round_trip_px(flow)[inner]) < 0.2


def test_flow_into_something_else_does_not_find_back() -> None:
    other = textured_sphere(512, seed=5)[40:200, 40:300]
    flow = flow_both_ways(normalise(_texture()), normalise(other))
    assert np.median(round_trip_px(flow)) > 1.0


def _points() -> np.ndarray:
    x, y = np.meshgrid(np.arange(30, 230, 8), np.arange(30, 130, 8))
    return np.column_stack([x.ravel(), y.ravel()]).astype(float)


def test_points_are_found_exactly_from_roughly_where_they_lie() -> None:
    image, starts_px = _texture(), _points()
    rough_px = starts_px + SHIFT_PX + (0.8, -0.6)
    ends_px, missed_px = refined(normalise(image), normalise(_shifted(image)), starts_px, rough_px)
    off_px = np.linalg.norm(ends_px - starts_px - SHIFT_PX, axis=1)
    assert np.median(off_px) < 0.05
    assert np.median(missed_px) < 0.05
    assert off_px[missed_px < 0.1].max() < 0.5


def test_points_of_something_else_are_not_found() -> None:
    other, starts_px = textured_sphere(512, seed=5)[40:200, 40:300], _points()
    _, missed_px = refined(normalise(_texture()), normalise(other), starts_px, starts_px)
    assert np.mean(missed_px < 1.0) < 0.3


def test_no_points_are_no_points() -> None:
    grey = normalise(_texture())
    ends_px, missed_px = refined(grey, grey, np.empty((0, 2)), np.empty((0, 2)))
    assert (len(ends_px), len(missed_px)) == (0, 0)


def test_half_of_an_odd_view_holds_all_of_it() -> None:
    assert halved(np.zeros((31, 50), np.uint8)).shape == (16, 25)


def test_normalised_pictures_have_even_brightness_and_contrast() -> None:
    image = _texture().astype(float)
    image[:, :130] *= 0.5
    grey = normalise(image.astype(np.uint8)).astype(float)
    dark, bright = grey[:, 20:110], grey[:, 150:240]
    assert abs(dark.mean() - bright.mean()) < 6
    assert dark.std() == pytest.approx(bright.std(), rel=0.2)


def test_noise_in_flat_parts_stays_small() -> None:
    noise = np.random.default_rng(0).normal(128, 1.0, (100, 100, 3))
    assert normalise(np.rint(noise).astype(np.uint8)).std() < 8


def test_following_flow_into_unseen_parts() -> None:
    seen = np.zeros((10, 20), bool)
    seen[:, 5:] = True
    flow = np.zeros((10, 20, 2), np.float32)
    flow[..., 0] = 3.0
    reached = follow(seen, flow)
    assert not reached[:, :2].any()
    assert reached[:, 2:17].all()
    assert not reached[:, 17:].any()
