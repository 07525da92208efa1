from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import border_distance, source_maps
from tasks.panorama.algorithms.place.warp import prefiltered, warp
from tasks.panorama.algorithms.stitch.blend import blend
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.types import BoolArray, Float32Array
from tests.support.panorama.equirect import directions
from tests.support.panorama.spheres import colours_along, photo_of_sphere, small_rosette

WIDTH_PX = 1024
HEIGHT_PX = WIDTH_PX // 2


def halves() -> LabelMap:
    labels = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    labels[:, WIDTH_PX // 2 :] = 1
    return labels


def level(index: int, box: Box) -> tuple[Float32Array, BoolArray]:
    shape = (box.height_px, box.width_px)
    return np.full((*shape, 3), (100.0, 140.0)[index], np.float32), np.ones(shape, bool)


@pytest.mark.parametrize("num_bands", [0, 1, 3])
def test_one_picture_cut_in_two_comes_back_whole(num_bands: int):
    rng = np.random.default_rng(1)
    picture = rng.integers(20, 235, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.float32)

    def sample(_: int, box: Box) -> tuple[Float32Array, BoolArray]:
        rows = np.clip(np.arange(box.top_px, box.bottom_px), 0, HEIGHT_PX - 1)
        pixels = picture[rows][:, columns_of(box, WIDTH_PX)]
        return pixels, np.ones(pixels.shape[:2], bool)

    result = blend(halves(), 2, sample, num_bands)

    assert np.abs(result.astype(float) - picture).max() <= 1


def test_step_of_brightness_becomes_a_slope_at_both_borders():
    """One border lies in the middle, the other where the panorama closes on itself."""
    hard, soft = (blend(halves(), 2, level, bands).astype(int) for bands in (0, 5))

    assert set(np.unique(hard)) == {100, 140}
    assert (soft == soft[:1]).all()
    steps = np.abs(soft[0, :, 0] - np.roll(soft[0, :, 0], 1))
    assert steps.max() <= 5
    np.testing.assert_allclose(soft[0, :512], soft[0, 511::-1], atol=1)
    assert soft.min() == 100
    assert soft.max() == 140


def test_nothing_darkens_towards_what_is_not_covered():
    labels = halves()
    labels[380:] = UNCOVERED
    labels[:, 100:130] = UNCOVERED

    result = blend(labels, 2, level, 5)

    assert (result[labels == UNCOVERED] == 0).all()
    assert result[labels != UNCOVERED].min() >= 99
    assert result[labels != UNCOVERED].max() <= 141


def test_partly_covered_panorama_is_blended_where_it_is():
    labels = np.full((HEIGHT_PX, WIDTH_PX), UNCOVERED, np.uint8)
    labels[60:230, 200:460] = 0
    labels[60:230, 460:700] = 1

    result = blend(labels, 2, level, 3)

    assert (result[labels == UNCOVERED] == 0).all()
    inside = result[60:230, 200:700].astype(int)
    assert inside.min() == 100
    assert np.abs(np.diff(inside, axis=1)).max() <= 5


def test_blend_wider_than_the_overlap_brings_nothing_in():
    """Both images hold the same picture, but each ends 2 px beyond the border."""
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    picture[:, 300:400] = picture[:, 560:700] = 200.0

    def sample(index: int, box: Box) -> tuple[Float32Array, BoolArray]:
        columns = columns_of(box, WIDTH_PX)
        inner = (columns < WIDTH_PX // 2 + 2) if index == 0 else (columns >= WIDTH_PX // 2 - 2)
        shown = np.broadcast_to(inner, (box.height_px, box.width_px))
        row = np.where(inner[:, None], picture[0, columns], 77.0).astype(np.float32)
        return np.repeat(row[None], box.height_px, axis=0), shown

    result = blend(halves(), 2, sample, 3)

    assert np.abs(result.astype(float) - picture)[:, 100:-100].max() <= 1


def test_nothing_covered_gives_black():
    assert blend(np.full((HEIGHT_PX, WIDTH_PX), UNCOVERED, np.uint8), 0, level, 5).max() == 0


def test_perfect_rig_gives_back_the_sphere():
    width_px = 640  # about as fine as the photos
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, width_px)
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    labels = fixed_labels(maps)

    def sample(index: int, box: Box) -> tuple[Float32Array, BoolArray]:
        found = maps[index]
        assert found is not None
        shown = border_distance(found, box) > 0
        return warp(
            prefiltered(photos[index], found.focal_px, found.panorama_width_px), found, box
        ), shown

    result = blend(labels, 7, sample, 5).astype(float)

    sphere = directions(width_px, width_px // 2).reshape(-1, 3)
    error = result - colours_along(sphere).reshape(result.shape)
    covered = cv2.erode((labels != UNCOVERED).astype(np.uint8), np.ones((5, 5))) > 0
    assert 10 * np.log10(255**2 / (error[covered] ** 2).mean()) > 48
    at_the_wrap = np.abs(np.concatenate([error[:, :4], error[:, -4:]], axis=1))
    assert at_the_wrap[np.concatenate([covered[:, :4], covered[:, -4:]], axis=1)].max() < 3
