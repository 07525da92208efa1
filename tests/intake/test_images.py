"""Images are decoded only where their headers declare no more than the limit."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from tasks.core.errors import DataError
from tasks.intake.images import check_image, decode_rgb, may_be_image, read_image_bytes
from tests.support.hostile.images import bomb

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def encoded(kind: str, image: Image.Image | None = None, **settings: object) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, kind, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("GIF", {}),
        ("PPM", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ],
)
def test_images_of_each_format_are_decoded(kind: str, settings: dict[str, object]) -> None:
    data = encoded(kind, **settings)
    assert check_image(data, "it") == (30, 20)
    assert decode_rgb(data, "it").size == (30, 20)
    with pytest.raises(DataError, match=r"at most 0\.0005 megapixels, got 30 x 20 px"):
        check_image(data, "it", 0.0005)


def test_grey_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P", "I;16"):
        data = encoded("PNG", Image.new(mode, (4, 4)))
        assert decode_rgb(data, "it").mode == "RGB"
    (tmp_path / "a.png").write_bytes(data)
    assert read_image_bytes(tmp_path / "a.png") == data


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_grey_of_16_bits_keeps_its_shades(kind: str) -> None:
    shades = np.arange(256, dtype=np.uint8)[None]
    image = decode_rgb(encoded(kind, Image.fromarray(shades.astype(np.uint16) * 257)), "it")
    np.testing.assert_array_equal(np.asarray(image), np.dstack([shades] * 3))


@pytest.mark.parametrize(
    ("dtype", "what"), [(np.float32, "floating-point values"), (np.int32, "32 bits")]
)
def test_numbers_without_a_white_are_refused(dtype: type, what: str) -> None:
    data = encoded("TIFF", Image.fromarray(np.full((4, 4), 1, dtype)))
    with pytest.raises(DataError, match=f"it: expected an image of 8 or 16 bits, got .*{what}"):
        decode_rgb(data, "it")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_tags_ask_where_that_is_wanted(
    kind: str, orientation: int
) -> None:
    shown = np.kron(np.arange(24).reshape(4, 6) * 10, np.ones((16, 16))).astype(np.uint8)
    turned = shown.T if orientation > 4 else shown
    turned = turned[:, ::-1] if orientation in (2, 3, 7, 8) else turned
    stored = np.ascontiguousarray(turned[::-1] if orientation in (3, 4, 6, 7) else turned)
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    data = encoded(kind, Image.fromarray(stored), exif=tags.tobytes())
    for pixels, upright in ((stored, False), (shown, True)):
        found = np.asarray(decode_rgb(data, "it", upright=upright), int)[..., 0]
        assert found.shape == pixels.shape
        assert abs(found - pixels).mean() < 4  # JPEG and WebP are lossy


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_with_tags_of_rubbish_is_as_it_is_stored(kind: str) -> None:
    for tags in (b"Exif\0\0", b"Exif\0\0rubbish!!", b"Exif\0\0II*\0\xff\xff\xff\xff"):
        assert decode_rgb(encoded(kind, exif=tags), "it", upright=True).size == (30, 20)


def test_a_name_says_what_is_no_image() -> None:
    assert all(map(may_be_image, ("a.PNG", "a.jfif", "a", "a.heic", "a.b")))
    assert not any(map(may_be_image, ("a.txt", "a.jpg.XML", "labels.csv")))


@pytest.mark.hostile
def test_a_netpbm_header_that_declares_too_much_is_refused() -> None:
    for magic in (b"P6", b"P3", b"P5"):
        with pytest.raises(DataError, match=r"^it: expected an image of at most .*megapixels"):
            decode_rgb(magic + b" 50000 50000 255\n", "it")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "VP8L", "VP8", "GIF"])
def test_a_header_that_declares_too_much_is_refused(kind: str) -> None:
    data = bomb(kind)
    assert len(data) < 2000
    with pytest.raises(DataError, match=r"^it\b.*(megapixels|no image)"):
        decode_rgb(data, "it")


@pytest.mark.hostile
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_an_image_that_is_cut_short_is_refused(kind: str, share: float) -> None:
    data = encoded(kind)
    with pytest.raises(DataError, match="it is no image that can be read"):
        decode_rgb(data[: int(share * len(data))], "it")


@pytest.mark.hostile
def test_text_in_a_png_may_not_unpack_to_anything() -> None:
    text = zlib.compress(b"a" * 50_000_000, 9)
    chunk = b"zTXtComment\0\0" + text
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = encoded("PNG")
    with pytest.raises(DataError, match="no image that can be read"):
        decode_rgb(data[:33] + chunk + data[33:], "it")
