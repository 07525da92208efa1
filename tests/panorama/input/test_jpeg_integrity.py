from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.jpeg_integrity import check_jpeg


def jpeg(quality: int = 90) -> bytes:
    small = np.random.default_rng(5).integers(0, 256, (16, 24, 3), np.uint8)
    image = cv2.resize(small, (192, 128), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


@pytest.mark.parametrize("quality", [30, 75, 100])
def test_whole(quality):
    check_jpeg(jpeg(quality), "a.jpg")


def test_a_flat_end_is_whole():
    image = np.full((128, 192, 3), 90, np.uint8)
    image[:40] = np.random.default_rng(1).integers(0, 256, (40, 192, 3))
    check_jpeg(cv2.imencode(".jpg", image)[1].tobytes(), "a.jpg")


def test_bytes_after_the_end_do_not_matter():
    check_jpeg(jpeg() + b"trailing bytes of a camera maker", "a.jpg")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (jpeg()[:-2], "cut short"),
        (jpeg()[:1500], "cut short"),
        (jpeg()[:-300] + b"\xff\xd9", "its data ends before the picture does"),
        (jpeg()[:-2] + bytes(range(1, 120)) + b"\xff\xd9", "its picture ends before the data"),
        (jpeg()[:4] + b"\1" + jpeg()[5:], "expected a marker at byte"),
        (b"\xff\xd8\xff\xd9", "cut short"),
    ],
)
def test_damaged(data, reason):
    with pytest.raises(DataError, match=rf"a\.jpg: .*({reason})"):
        check_jpeg(data, "a.jpg")
