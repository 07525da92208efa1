"""JPEGs are decoded as others decode them, but only where their coded data is whole."""

from __future__ import annotations

import io
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError
from tasks.panorama.input.jpeg_integrity import decode_jpeg

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "baseline, 4:4:4": {"subsampling": 0},
    "progressive, 4:4:4": {"progressive": True, "subsampling": 0},
    "restart markers": {"restart_marker_rows": 1},
    "progressive, restart markers": {"progressive": True, "restart_marker_rows": 1},
    "optimized": {"optimize": True},
}


def picture() -> Image.Image:
    small = np.random.default_rng(5).integers(0, 256, (16, 24, 3), np.uint8)
    return Image.fromarray(cv2.resize(small, (192, 128), interpolation=cv2.INTER_CUBIC))


def jpeg(image: Image.Image | None = None, form: str = "JPEG", **options: object) -> bytes:
    data = io.BytesIO()
    (image or picture()).save(data, form, **options)
    return data.getvalue()


def coded_from(data: bytes) -> int:
    """Where the coded data of the first scan begins."""
    return data.index(b"\xff\xda") + 14


def is_refused(data: bytes) -> bool:
    try:
        decode_jpeg(data, "a.jpg")
    except DataError:
        return True
    return False


@pytest.mark.parametrize("quality", [30, 75, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_one_has_the_values_that_others_find(kind: str, quality: int) -> None:
    data = jpeg(quality=quality, **KINDS[kind])
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image)[:, :, ::-1]
    np.testing.assert_array_equal(decode_jpeg(data, "a.jpg"), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_end_is_whole(kind: str, level: int) -> None:
    pixels = np.full((128, 192, 3), level, np.uint8)
    pixels[:40] = np.random.default_rng(1).integers(0, 256, (40, 192, 3))
    decode_jpeg(jpeg(Image.fromarray(pixels), **KINDS[kind]), "a.jpg")


def wholes() -> Iterator[tuple[str, bytes]]:
    data, small = jpeg(), picture().resize((48, 32))
    yield "bytes of a camera maker after the end", data + b"trailing bytes"
    yield "a further picture after the end", data + jpeg(small)
    yield "pictures of a phone", jpeg(form="MPO", save_all=True, append_images=[small, small])
    yield "fill bytes before the end", data[:-2] + b"\xff" * 9 + data[-2:]
    yield "a colour profile of many segments", jpeg(icc_profile=bytes(200_000))
    yield "channels as they are", jpeg(keep_rgb=True)
    yield "an odd size", jpeg(picture().resize((97, 61)))


@pytest.mark.parametrize(("what", "data"), [*wholes()])
def test_what_does_not_matter(what: str, data: bytes) -> None:
    assert decode_jpeg(data, "a.jpg").shape[2] == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (jpeg()[:-2], "Premature end of JPEG file"),
        (jpeg()[:1500], "Premature end of JPEG file"),
        (jpeg()[:-300] + b"\xff\xd9", "premature end of data segment"),
        (jpeg()[:-2] + bytes(range(1, 120)) + b"\xff\xd9", "extraneous bytes before marker"),
        (jpeg()[:4] + b"\1" + jpeg()[5:], "Could not determine"),
        (b"\xff\xd8\xff\xd9", "Could not determine"),
        (b"", "Could not determine|[Ii]nvalid"),
    ],
)
def test_damaged(data: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=rf"a\.jpg: .*cut short or damaged \(.*({reason})"):
        decode_jpeg(data, "a.jpg")


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_cut_short_anywhere_is_refused(kind: str) -> None:
    data = jpeg(**KINDS[kind])
    for length in np.linspace(2, len(data) - 1, 40).astype(int):
        assert is_refused(data[:length]), length
    for length in np.linspace(coded_from(data), len(data) - 64, 40).astype(int):
        assert is_refused(data[:length] + b"\xff\xd9"), length


@pytest.mark.parametrize(
    ("kind", "share"),
    [("baseline", 0.1), ("restart markers", 0.1), ("progressive", 0.3), ("optimized", 0.1)],
)
def test_damaged_bytes_are_refused_where_they_show(kind: str, share: float) -> None:
    """Most leave the decoder in step: no decoder can tell."""
    data, rng = jpeg(**KINDS[kind]), np.random.default_rng(3)
    places = rng.integers(coded_from(data), len(data) - 2, 300)
    damaged = [data[:n] + bytes([data[n] ^ (1 << (n % 8))]) + data[n + 1 :] for n in places]
    assert np.mean([is_refused(each) for each in damaged]) > share


# In tables that are made for the picture zeros may be a code that leaves the decoder in step.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "optimized"])
def test_a_lost_block_of_the_disk_is_refused(kind: str) -> None:
    data = jpeg(quality=95, **KINDS[kind])
    for start in range(coded_from(data), len(data) - 600, 512):
        assert is_refused(data[:start] + bytes(512) + data[start + 512 :]), start
