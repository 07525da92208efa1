from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import DataError
from tasks.grasping.data.png import (
    DEPTH_UNIT_M,
    decode_depth,
    decode_ids,
    decode_rgb,
    encode_depth,
    encode_ids,
    encode_rgb,
)
from tests.support.hostile.images import bomb
from tests.support.hostile.refusals import refused


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_pictures_and_masks_come_back_as_they_were(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    ids = rng.integers(0, 6, (height, width), np.uint8)
    assert np.array_equal(decode_rgb(encode_rgb(rgb)), rgb)
    assert np.array_equal(decode_ids(encode_ids(ids)), ids)


def test_colours_are_rgb_for_whoever_reads_the_file() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    as_bgr = cv2.imdecode(np.frombuffer(encode_rgb(red), np.uint8), cv2.IMREAD_COLOR)
    assert as_bgr[0, 0].tolist() == [0, 0, 255]


def test_depth_is_kept_to_half_a_step_and_nothing_stays_nothing() -> None:
    depth_m = np.array([[0.5, 1.23456], [np.inf, 6.5]], np.float32)
    back_m = decode_depth(encode_depth(depth_m))
    assert np.isinf(back_m[1, 0])
    seen = np.isfinite(depth_m)
    assert np.abs(back_m[seen] - depth_m[seen]).max() <= DEPTH_UNIT_M * 0.51


@pytest.mark.parametrize("data", [b"", b"no picture", encode_ids(np.ones((8, 8), np.uint8))[:20]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=rf"expected a PNG picture, got {len(data)} bytes"):
        decode_ids(data)


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("decode", [decode_rgb, decode_ids, decode_depth])
def test_what_declares_too_much_is_refused(kind: str, decode: Any) -> None:
    with refused("expected a PNG picture"):
        decode(bomb(kind))
