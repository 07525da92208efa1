from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import SourceMap, border_distance, source_map
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.types import Camera, Float32Array
from tests.support.panorama.equirect import directions
from tests.support.panorama.spheres import colours_along, photo_of_sphere, pinhole

WIDTH_PX = 1024


def truth(found: SourceMap, box: Box) -> Float32Array:
    sphere = directions(found.panorama_width_px, found.panorama_width_px // 2)
    cut = sphere[box.top_px : box.bottom_px][:, columns_of(box, found.panorama_width_px)]
    return colours_along(cut.reshape(-1, 3)).reshape(cut.shape).astype(np.float32)


def map_of(camera: Camera, width_px: int = WIDTH_PX) -> SourceMap:
    found = source_map(camera, None, width_px)
    assert found is not None
    return found


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(0, 0), (180, 30), (45, 90)])
def test_warped_photo_is_the_sphere(yaw_deg: float, pitch_deg: float):
    camera = pinhole("c", yaw_deg, pitch_deg)
    found = map_of(camera)
    photo = prefiltered(photo_of_sphere(camera), found.focal_px, found.panorama_width_px)

    warped = warp(photo, found, found.box)

    inside = border_distance(found, found.box) > 1.5 / found.focal_px
    assert np.abs(warped - truth(found, found.box))[inside].max() < 2
    assert np.isfinite(warped).all()


def test_image_goes_on_beyond_its_border():
    camera = pinhole("c", 0, 0)
    found = map_of(camera)
    beyond = Box(found.box.left_px - 30, found.box.top_px + 50, 20, 20)

    warped = warp(
        prefiltered(np.full((160, 160, 3), 90, np.uint8), found.focal_px, found.panorama_width_px),
        found,
        beyond,
    )

    np.testing.assert_allclose(warped, 90, atol=1e-3)


def test_finer_image_is_averaged_before_it_is_sampled():
    camera = pinhole("c", 0, 0, size_px=1280)
    found = map_of(camera, 512)
    stripes = np.zeros((1280, 1280), np.uint8)
    stripes[:, ::2] = 200

    photo = prefiltered(stripes, found.focal_px, found.panorama_width_px)
    warped = warp(photo, found, Box(240, 112, 32, 32))

    assert photo.shape[0] == pytest.approx(1280 * 512 / (2 * np.pi * found.focal_px), abs=1)
    np.testing.assert_allclose(warped, 100, atol=5)


def test_averaged_image_keeps_its_place():
    camera = pinhole("c", 20, 10, size_px=960)
    found = map_of(camera, 512)
    box = Box(found.box.left_px + 30, found.box.top_px + 30, 40, 40)

    warped = warp(
        prefiltered(photo_of_sphere(camera), found.focal_px, found.panorama_width_px), found, box
    )

    assert np.abs(warped - truth(found, box)).max() < 2.5


def test_grey_image_stays_two_dimensional():
    found = map_of(pinhole("c", 0, 0))

    warped = warp(
        prefiltered(np.full((160, 160), 7, np.uint8), found.focal_px, found.panorama_width_px),
        found,
        replace(found.box),
    )

    assert warped.shape == (found.box.height_px, found.box.width_px)
