from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError
from tasks.nas.data.raw_images import name_of, shrink, square, stack


def test_blocks_are_averaged_and_rounded() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=3)
    np.testing.assert_array_equal(shrink(image, 2)[0, ..., 0], [[3, 5], [11, 13]])
    assert shrink(image, 4) is image


@pytest.mark.parametrize("side_px", [0, 3, 8])
def test_sizes_that_are_no_whole_blocks_are_refused(side_px: int) -> None:
    with pytest.raises(DataError, match=f"can't be shrunk to {side_px} px"):
        shrink(np.zeros((1, 4, 4, 3), np.uint8), side_px)


def test_the_middle_of_an_oblong_image_is_kept() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    kept = square(Image.fromarray(wide), 10)
    assert kept.shape == (10, 10, 3)
    assert kept[:, 2:8].min() == 200


def test_a_square_image_is_resized_whole() -> None:
    image = Image.fromarray(np.full((12, 12, 3), 77, np.uint8))
    assert square(image, 6).shape == (6, 6, 3)
    np.testing.assert_array_equal(square(image, 0), np.asarray(image))


def test_sizes_must_agree() -> None:
    images = [Image.new("RGB", (side, side)) for side in (8, 9)]
    with pytest.raises(DataError, match=r"sides of \[8, 9\] px"):
        stack(images, 0)
    assert stack(images, 8).shape == (2, 8, 8, 3)
    with pytest.raises(DataError, match="not square"):
        stack([Image.new("RGB", (8, 9))], 0)
    with pytest.raises(DataError, match="found none"):
        stack([], 8)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/", "data"),
        ("/data/my images", "my images"),
        ("/data/a\nORRERY_RESULT []", "a_ORRERY_RESULT __"),
        ("/data/a::b", "a__b"),
        ("/data/\udcff", "_udcff"),
        ("/data/" + "n" * 255, "n" * 100),
    ],
)
def test_a_data_set_s_name_can_stand_in_files_and_records(folder: str, name: str) -> None:
    assert name_of(Path(folder)) == name
