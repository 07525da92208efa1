"""Flat steps of pictures made so that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.stitch.flat_step import measure_flat_step
from tasks.panorama.types import BoolArray, Float32Array

HEIGHT, WIDTH = 160, 640


def _labels() -> np.ndarray:
    """Two images: a seam at x = 200, the other where the panorama closes on itself."""
    labels = np.zeros((HEIGHT, WIDTH), np.int64)
    labels[:, 200:] = 1
    return labels


class _Layers:
    """Two images that show the whole panorama."""

    def __init__(self, one: np.ndarray, other: np.ndarray, shown: BoolArray | None = None) -> None:
        self.greys = (one.astype(np.float32), other.astype(np.float32))
        self.shown = np.ones((HEIGHT, WIDTH), np.bool_) if shown is None else shown

    def __call__(self, image: int, box: Box) -> tuple[Float32Array, BoolArray]:
        rows = np.clip(np.arange(box.top_px, box.bottom_px), 0, HEIGHT - 1)
        place = np.ix_(rows, columns_of(box, WIDTH))
        return np.repeat(self.greys[image][place][..., None], 3, axis=2), self.shown[place]

    def picture(self) -> np.ndarray:
        grey = np.where(_labels() == 0, *self.greys)
        return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)

    def step(self) -> tuple[float, int]:
        found = measure_flat_step(self.picture(), _labels(), self)
        return found.mean_grey, found.num_points


def _flat(grey: float) -> np.ndarray:
    return np.full((HEIGHT, WIDTH), grey)


def test_a_step_is_what_it_is_at_both_seams():
    mean_grey, num_points = _Layers(_flat(100), _flat(112)).step()
    assert mean_grey == pytest.approx(12.0, abs=0.01)
    assert num_points == 2 * HEIGHT


def test_what_rises_in_the_images_is_no_step():
    round_about = 100 + 40 * np.cos(2 * np.pi * np.arange(WIDTH) / WIDTH)
    wave = np.tile(round_about, (HEIGHT, 1))
    mean_grey, num_points = _Layers(wave, wave).step()
    assert mean_grey == pytest.approx(0.0, abs=0.1)
    assert num_points == 2 * HEIGHT
    assert _Layers(wave, wave + 6).step()[0] == pytest.approx(6.0, abs=0.1)


def test_noise_is_no_structure():
    noise = np.random.default_rng(0).normal(0, 2, (2, HEIGHT, WIDTH))
    mean_grey, num_points = _Layers(100 + noise[0], 105 + noise[1]).step()
    assert num_points == 2 * HEIGHT
    assert mean_grey == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize("image", [0, 1])
def test_places_near_structure_of_either_image_are_left_out(image: int):
    greys = [_flat(100), _flat(110)]
    greys[image][:, 220:230] += 60
    assert _Layers(*greys).step()[1] == HEIGHT


def test_places_near_what_is_clipped_or_not_shown_are_left_out():
    shown = np.ones((HEIGHT, WIDTH), np.bool_)
    shown[:80, 190:210] = False
    mean_grey, num_points = _Layers(_flat(100), _flat(110), shown).step()
    assert HEIGHT < num_points < 2 * HEIGHT - 80
    assert mean_grey == pytest.approx(10.0, abs=0.01)


def test_without_any_flat_place_there_is_no_figure():
    stripes = np.tile(np.where(np.arange(WIDTH) % 20 < 10, 60, 180), (HEIGHT, 1))
    mean_grey, num_points = _Layers(stripes, stripes).step()
    assert np.isnan(mean_grey)
    assert num_points == 0
