from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.place.filling import filled, unknown_where_masked


def test_masked_pixels_become_their_nearest_usable_neighbours() -> None:
    image = np.arange(50, dtype=np.uint8).reshape(5, 10)
    usable = np.ones((5, 10), bool)
    usable[:, 4:] = False
    usable[2, 9] = True

    result = filled(image, usable)

    assert (result[usable] == image[usable]).all()
    assert result[0, 5] == image[0, 3]
    assert result[2, 8] == image[2, 9]
    assert image[0, 5] == 5, "the image itself is left alone"


def test_nothing_of_what_is_masked_is_left_whatever_it_was() -> None:
    rng = np.random.default_rng(0)
    usable = rng.random((40, 30)) < 0.5
    image = rng.random((40, 30, 3)).astype(np.float32)
    other = np.where(usable[..., None], image, np.float32(9.0))

    np.testing.assert_array_equal(filled(image, usable), filled(other, usable))
    np.testing.assert_array_equal(
        filled(image, np.zeros_like(usable)), filled(other, np.zeros_like(usable))
    )
    assert np.isnan(unknown_where_masked((other * 20).astype(np.uint8), usable)[~usable]).all()


def test_an_image_without_masked_pixels_is_not_copied() -> None:
    image = np.zeros((4, 4), np.uint8)
    assert filled(image, None) is image
    assert filled(image, np.ones((4, 4), bool)) is image
