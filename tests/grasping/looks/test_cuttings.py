from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.grasping.algorithms.cameras import simulation_camera
from tasks.grasping.config import CameraConfig, RandomiseConfig
from tasks.grasping.looks.cuttings import cut_textures, true_repeat_m
from tasks.grasping.looks.textures import SIDE_PX

HALF_PX = SIDE_PX // 2


def pictures(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Pictures whose colours tell picture, row and column."""
    found = []
    for number, (height, width) in enumerate(sizes):
        rows, columns = np.mgrid[:height, :width]
        found.append(np.stack([np.full_like(rows, number), rows, columns], -1).astype(np.uint8))
    return found


def test_patches_are_cut_anywhere_and_mirrored_without_a_seam():
    given = pictures((128, 128), (64, 100))
    textures = cut_textures(given, np.random.default_rng(0))
    assert textures.images.shape == (60, SIDE_PX, SIDE_PX, 3)
    for image in textures.images:
        number, top, left = image[0, 0]
        patch = given[number][top : top + HALF_PX, left : left + HALF_PX]
        np.testing.assert_array_equal(image[:HALF_PX, :HALF_PX], patch)
        np.testing.assert_array_equal(image, image[::-1])
        np.testing.assert_array_equal(image, image[:, ::-1])
    assert set(textures.images[:, 0, 0, 0]) == {0, 1}
    tops, lefts = textures.images[textures.images[:, 0, 0, 0] == 0, 0, 0, 1:].T
    for places in (tops, lefts):
        assert places.min() < 15
        assert places.max() > 50


def test_the_generator_decides():
    given = pictures((90, 90))
    first, again, other = (
        cut_textures(given, np.random.default_rng(seed), 4).images for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("sizes", "found"), [((), "got 0,"), (((128, 128), (63, 80)), "got 2, the smallest of 63 px")]
)
def test_pictures_that_no_patch_fits_in_are_refused(sizes, found: str):
    with pytest.raises(DataError, match=rf"at least 64 px .*{found}.*camera\.size_px"):
        cut_textures(pictures(*sizes), np.random.default_rng(0))


def test_true_scale_is_the_pictures_own():
    """At 128 px a cutting is as wide as the picture: what 24 degrees show of the bin's plane."""
    camera = simulation_camera(
        CameraConfig(size_px=128, view_deg=24), RandomiseConfig(), np.random.default_rng(0)
    )
    assert true_repeat_m(camera) == pytest.approx(0.56, abs=0.005)
