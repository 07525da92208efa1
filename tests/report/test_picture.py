from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError
from tasks.report.picture import encode

SQUARES = np.zeros((16, 24, 3), np.uint8)
SQUARES[:, :8] = (255, 0, 0)
SQUARES[:, 8:16] = (0, 200, 40)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_png_keeps_every_pixel():
    np.testing.assert_array_equal(decoded(encode(SQUARES, "a/b.png")), SQUARES)


def test_jpeg_keeps_the_colours_and_quality_decides_the_size():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.abs(decoded(encode(SQUARES, "a.jpg")).astype(int) - SQUARES).mean() < 12
    assert (
        len(encode(noise, "a.jpg", 95))
        > len(encode(noise, "a.jpg"))
        > len(encode(noise, "a.jpg", 40))
    )


def test_reversed_views_are_pictures_too():
    bgr = np.ascontiguousarray(SQUARES[..., ::-1])
    np.testing.assert_array_equal(decoded(encode(bgr[..., ::-1], "a.png")), SQUARES)


def test_files_stay_as_they_are():
    assert encode(b"a plot", "a.png") == b"a plot"


def test_what_no_jpeg_can_hold_is_refused():
    with pytest.raises(DataError, match=r"a\.jpg: the encoder refused a picture of shape"):
        encode(np.zeros((1, 70_000, 3), np.uint8), "a.jpg")
