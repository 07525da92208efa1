"""Painted surfaces: in range, from the seed, the same picture at every raster."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.panorama.simulation.paint.textures import (
    Canvas,
    asphalt,
    blocks,
    boards,
    draw_colour,
    fill,
    poster,
    print_text,
    rough,
)
from tasks.panorama.simulation.scenes.facades import paint_facade

PAINTERS = {
    "asphalt": asphalt,
    "blocks": lambda canvas: blocks(canvas, (100.0, 120.0, 140.0), (0.5, 0.2), 0.02),
    "boards": lambda canvas: boards(canvas, (70.0, 110.0, 150.0), (1.0, 0.2)),
    "facade": lambda canvas: paint_facade(canvas).picture,
    "poster": poster,
    "rough": lambda canvas: rough(canvas, (100.0, 120.0, 140.0), 0.1, 1.0),
}


def _canvas(texels_per_m: float, seed: int = 5) -> Canvas:
    return Canvas(np.random.default_rng(seed), 9.0, 8.0, texels_per_m)


@pytest.mark.parametrize("name", PAINTERS)
def test_pictures_are_in_range_and_textured(name):
    picture = PAINTERS[name](_canvas(30.0))
    assert picture.shape == (240, 270, 3)
    assert picture.dtype == np.float32
    assert picture.min() >= 0.0
    assert picture.max() <= 240.0
    assert picture.std() > 4.0


@pytest.mark.parametrize("name", PAINTERS)
def test_a_finer_raster_shows_the_same_picture(name):
    coarse, fine = PAINTERS[name](_canvas(20.0)), PAINTERS[name](_canvas(60.0))
    size = (45, 40)
    ones, others = (
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., 1].ravel()
        for picture in (coarse, fine)
    )
    assert np.corrcoef(ones, others)[0, 1] > 0.8


def test_a_filled_box_lies_where_it_was_put():
    canvas = _canvas(10.0)
    picture = canvas.plain((0.0, 0.0, 0.0))
    fill(picture, canvas, (2.0, 3.0, 4.0, 1.5), (9.0, 9.0, 9.0))
    rows, columns = np.nonzero(picture[..., 0])
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (30, 45, 20, 60)
    fill(picture, canvas, (-5.0, -5.0, 2.0, 2.0), (7.0, 7.0, 7.0))
    assert not (picture == 7.0).any()


def test_print_stays_in_its_box():
    canvas = _canvas(20.0)
    picture = canvas.plain((50.0, 50.0, 50.0))
    print_text(picture, canvas, (2.0, 2.0, 4.0, 1.0), (220.0, 220.0, 220.0))
    inked = picture[..., 0] > 60.0
    assert 0.05 < inked[40:60, 40:120].mean() < 0.7
    assert not inked[:40].any()
    assert not inked[60:].any()


def test_colours_are_muted():
    rng = np.random.default_rng(0)
    colours = np.array([draw_colour(rng, 100.0, 140.0, 0.1) for _ in range(50)])
    assert colours.min() > 89.0
    assert colours.max() < 155.0


def test_windows_lie_on_the_front():
    facade = paint_facade(_canvas(20.0))
    assert facade.windows
    for left, top, width, height in facade.windows:
        assert left >= 0.0
        assert left + width <= 9.0
        assert top >= 0.0
        assert top + height <= 8.0
