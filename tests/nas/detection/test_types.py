"""Objects are found by their image, also where images have none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.nas.detection.types import AnnotatedImages, Objects


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_every_image_gets_its_own_objects_back(numbers: list[int]) -> None:
    objects = [
        Objects.of([[k, index, k + 1, index + 2] for k in range(number)], [index % 3] * number)
        for index, number in enumerate(numbers)
    ]
    images = AnnotatedImages.of("abc", np.zeros((len(numbers), 4, 4, 3), np.uint8), objects)
    assert (len(images), images.side_px) == (len(numbers), 4)
    assert images.boxes.shape == (sum(numbers), 4)
    for (_, found), expected in zip(images, objects, strict=True):
        np.testing.assert_array_equal(found.boxes, expected.boxes)
        np.testing.assert_array_equal(found.labels, expected.labels)
        assert len(found) == len(expected)
