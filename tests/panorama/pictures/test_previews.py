from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tasks.panorama.pictures.gpano import GPano, write_panorama_jpeg
from tasks.panorama.pictures.previews import preview

PICTURE = np.full((64, 256, 3), (10, 120, 240), np.uint8)  # BGR


@pytest.mark.parametrize(("most_px", "expected"), [(128, (64, 16)), (4096, (256, 64))])
def test_a_panorama_is_shrunk_and_says_where_it_lies(tmp_path, most_px, expected):
    write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, GPano(512, 256, 128, 64))

    found = preview(tmp_path / "a.jpg", "a panorama", most_px)

    shown = Image.open(io.BytesIO(found.picture.data))
    assert shown.size == expected
    np.testing.assert_allclose(np.asarray(shown)[5, 5], (240, 120, 10), atol=6)
    assert found.box == (0.25, 0.25, 0.5, 0.25)
    assert found.picture.title == "a panorama"


def test_what_does_not_say_where_it_lies_is_taken_as_whole(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg")
    assert preview(tmp_path / "a.jpg", "", 4096).box == (0, 0, 1, 1)
