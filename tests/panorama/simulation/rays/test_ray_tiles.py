"""Tiles of rays: every pixel once, every ray within its cone."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.rays.ray_tiles import (
    camera_view,
    equirect_view,
    tile_pixels,
    untile,
    view_rays,
)
from tasks.panorama.types import Camera
from tests.support.panorama.equirect import directions

CAMERA = Camera(
    "c", 70, 50, "PINHOLE", (60.0, 60.0, 34.5, 24.5), np.eye(3), np.array([0.1, 0.0, 0.2])
)


@pytest.mark.parametrize("view", [camera_view(CAMERA), equirect_view(96)])
def test_pixels_come_back_to_their_places(view):
    pixels = tile_pixels(view)
    picture = untile(view, pixels)
    assert picture.shape == (view.height_px, view.width_px, 2)
    assert np.array_equal(picture[..., 0], np.arange(view.width_px) + 0 * picture[..., 0])
    assert np.array_equal(picture[..., 1].T, np.arange(view.height_px) + 0 * picture[..., 1].T)


@pytest.mark.parametrize("view", [camera_view(CAMERA), equirect_view(96)])
def test_cones_hold_their_rays(view):
    tiles = view_rays(view, tile_pixels(view).astype(float))
    cosine = np.einsum("kts,tk->ts", tiles.directions.astype(float), tiles.axes)
    assert (np.arccos(np.clip(cosine, -1, 1)) <= tiles.half_angles_rad[:, None] + 1e-6).all()


def test_pixel_angles():
    view = camera_view(CAMERA)
    tiles = view_rays(view, tile_pixels(view).astype(float))
    assert tiles.origin == pytest.approx([0.1, 0.0, 0.2])
    # In the middle 1 / f; further out a pixel covers less.
    assert tiles.pixel_rad.max() == pytest.approx(1 / 60.0, rel=0.05)
    assert tiles.pixel_rad.min() < 0.8 / 60.0


def test_the_panorama_looks_where_the_equirectangular_picture_does():
    view = equirect_view(64)
    tiles = view_rays(view, tile_pixels(view).astype(float))
    looks = untile(view, np.ascontiguousarray(np.moveaxis(tiles.directions, 0, 2)))
    assert np.abs(looks - directions(64, 32)).max() < 1e-6
