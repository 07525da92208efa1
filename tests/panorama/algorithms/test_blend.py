from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.blend import blend
from tasks.panorama.algorithms.canvas import Box, columns_of
from tasks.panorama.algorithms.equirect import directions
from tasks.panorama.algorithms.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.algorithms.source_maps import source_maps
from tasks.panorama.algorithms.warp import prefiltered, warp
from tasks.panorama.types import Float32Array
from tests.support.spheres import colours_along, photo_of_sphere, small_rosette

WIDTH_PX = 512
HEIGHT_PX = WIDTH_PX // 2


def halves() -> LabelMap:
    labels = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    labels[:, WIDTH_PX // 2 :] = 1
    return labels


def level(index: int, box: Box) -> Float32Array:
    return np.full((box.height_px, box.width_px, 3), (100.0, 140.0)[index], np.float32)


@pytest.mark.parametrize("num_bands", [0, 1, 3, 5])
def test_one_picture_cut_in_two_comes_back_whole(num_bands: int):
    rng = np.random.default_rng(1)
    picture = rng.integers(20, 235, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.float32)

    def sample(_: int, box: Box) -> Float32Array:
        rows = np.clip(np.arange(box.top_px, box.bottom_px), 0, HEIGHT_PX - 1)
        return picture[rows][:, columns_of(box, WIDTH_PX)]

    result = blend(halves(), 2, sample, num_bands)

    assert np.abs(result.astype(float) - picture).max() <= 1


def test_step_of_brightness_becomes_a_slope_at_both_borders():
    """One border lies in the middle, the other where the panorama closes on itself."""
    hard, soft = (blend(halves(), 2, level, bands).astype(int) for bands in (0, 5))

    assert set(np.unique(hard)) == {100, 140}
    assert (soft == soft[:1]).all()
    steps = np.abs(soft[0, :, 0] - np.roll(soft[0, :, 0], 1))
    assert steps.max() <= 3
    np.testing.assert_array_equal(soft[0, :256, 0], soft[0, 255::-1, 0])
    assert soft.min() < 103
    assert soft.max() > 137


def test_nothing_darkens_towards_what_is_not_covered():
    labels = halves()
    labels[180:] = UNCOVERED
    labels[:, 100:130] = UNCOVERED

    result = blend(labels, 2, level, 5)

    assert (result[labels == UNCOVERED] == 0).all()
    assert result[labels != UNCOVERED].min() >= 99
    assert result[labels != UNCOVERED].max() <= 141


def test_partly_covered_panorama_is_blended_where_it_is():
    labels = np.full((HEIGHT_PX, WIDTH_PX), UNCOVERED, np.uint8)
    labels[60:130, 200:260] = 0
    labels[60:130, 260:300] = 1

    result = blend(labels, 2, level, 3)

    assert (result[labels == UNCOVERED] == 0).all()
    inside = result[60:130, 200:300].astype(int)
    assert inside.min() >= 99
    assert np.abs(np.diff(inside, axis=1)).max() <= 8


def test_nothing_covered_gives_black():
    assert blend(np.full((HEIGHT_PX, WIDTH_PX), UNCOVERED, np.uint8), 0, level, 5).max() == 0


def test_perfect_rig_gives_back_the_sphere():
    width_px = 640  # about as fine as the photos
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, width_px)
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    labels = fixed_labels(maps)

    def sample(index: int, box: Box) -> Float32Array:
        found = maps[index]
        assert found is not None
        return warp(prefiltered(photos[index], found), found, box)

    result = blend(labels, 7, sample, 5).astype(float)

    sphere = directions(width_px, width_px // 2).reshape(-1, 3)
    error = result - colours_along(sphere).reshape(result.shape)
    covered = labels != UNCOVERED
    assert 10 * np.log10(255**2 / (error[covered] ** 2).mean()) > 48
    at_the_wrap = np.abs(np.concatenate([error[:, :4], error[:, -4:]], axis=1))
    assert at_the_wrap[np.concatenate([covered[:, :4], covered[:, -4:]], axis=1)].max() < 3
