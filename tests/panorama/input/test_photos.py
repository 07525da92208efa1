from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from tasks.core.errors import DataError
from tasks.panorama.input.colour import adobe_rgb, to_srgb
from tasks.panorama.input.photos import (
    encode_mask,
    open_photo,
    read_mask,
    read_photo,
    turn_upright,
)
from tests.support.hostile.images import png_chunk
from tests.support.hostile.refusals import check_sentence, memory_limit


def picture(width: int = 160, height: int = 96) -> np.ndarray:
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def save(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    (image or Image.fromarray(picture())).save(path, **options)
    return path


def test_reads_bgr(tmp_path):
    path = save(tmp_path / "a.png")
    assert np.array_equal(read_photo(path), picture()[..., ::-1])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 2}])
def test_whole_jpegs_pass(tmp_path, options):
    path = save(tmp_path / "a.jpg", quality=93, **options)
    assert np.abs(read_photo(path).astype(int) - picture()[..., ::-1]).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = save(tmp_path / "a.png", exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))[..., ::-1]
    photo = open_photo(path)
    assert photo.orientation == orientation
    assert np.array_equal(photo.pixels, expected)
    assert np.array_equal(read_photo(path, orientation=1), picture()[..., ::-1])
    assert np.array_equal(turn_upright(read_photo(path, 1), orientation), photo.pixels)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_jpeg(tmp_path, share):
    path = save(tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=r"a\.jpg: expected a whole JPEG.*cut short.*Copy it again"):
        read_photo(path)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_that_lacks_data_before_its_end_marker(tmp_path, progressive):
    path = save(tmp_path / "a.jpg", progressive=progressive)
    data = path.read_bytes()
    path.write_bytes(data[:-400] + b"\xff\xd9")
    with pytest.raises(DataError, match=r"damaged \(.*premature end of data"):
        read_photo(path)


def test_jpeg_with_a_block_of_zeros(tmp_path):
    path = save(tmp_path / "a.jpg", quality=95)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 512] = bytes(512)
    path.write_bytes(data)
    with pytest.raises(DataError, match="expected a whole JPEG, but it is cut short or damaged"):
        read_photo(path)


def test_truncated_png(tmp_path):
    path = save(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="expected a whole image, but it is damaged"):
        read_photo(path)


def deep_picture(scale: int = 257) -> np.ndarray:
    """A picture of 16 bits, BGR; by 257, white is white in both."""
    return picture()[..., ::-1].astype(np.uint16) * scale


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_rounded_to_8(tmp_path, name):
    path = tmp_path / name
    cv2.imwrite(str(path), deep_picture())
    assert np.array_equal(read_photo(path), picture()[..., ::-1])
    cv2.imwrite(str(path), deep_picture(250))
    expected = np.rint(deep_picture(250) * (255 / 65_535))
    assert np.array_equal(read_photo(path), expected)


def test_a_tiff_of_16_bits_is_turned_once(tmp_path):
    path = tmp_path / "a.tif"
    tiff = {ExifTags.Base.Orientation: 6}
    Image.fromarray(picture()).save(path, tiffinfo=tiff)
    eight = open_photo(path)
    tifffile = pytest.importorskip("tifffile")
    turned = [(274, "H", 1, 6, True)]
    tifffile.imwrite(path, picture().astype(np.uint16) * 257, photometric="rgb", extratags=turned)
    deep = open_photo(path)
    assert (deep.orientation, eight.orientation, deep.size_px) == (1, 1, (96, 160))
    assert np.array_equal(deep.pixels, eight.pixels)


def test_alpha_of_16_bits_is_a_mask_and_turned_with_its_photo(tmp_path):
    alpha = np.full((96, 160, 1), 65_535, np.uint16)
    alpha[:30, :40] = 32_767
    alpha[30:50, :40] = 32_768
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.dstack([deep_picture(), alpha]))
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, picture()[..., ::-1])
    assert np.array_equal(photo.usable, alpha[..., 0] > 32_767)

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = path.read_bytes()
    path.write_bytes(data[:33] + png_chunk(b"eXIf", exif.tobytes()[6:]) + data[33:])
    turned = open_photo(path)
    assert turned.orientation == 6
    assert np.array_equal(turned.pixels, turn_upright(photo.pixels, 6))
    assert np.array_equal(turned.usable, turn_upright(photo.usable, 6))


@pytest.mark.parametrize(("name", "dtype"), [("a.jpg", "u1"), ("a.png", "u1"), ("a.png", "u2")])
def test_grey_photos_are_of_three_equal_channels(tmp_path, name, dtype):
    grey = picture()[..., 1].astype(dtype) * (257 if dtype == "u2" else 1)
    cv2.imwrite(str(tmp_path / name), grey)
    found = read_photo(tmp_path / name)
    assert found.shape == (96, 160, 3)
    assert np.ptp(found, axis=2).max() == 0
    assert np.abs(found[..., 0].astype(int) - picture()[..., 1]).mean() < 8


def test_webp(tmp_path):
    path = save(tmp_path / "a.webp", lossless=True)
    assert np.array_equal(read_photo(path), picture()[..., ::-1])


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    path = save(tmp_path / "a.heic", quality=-1, chroma=444, matrix_coefficients=0)
    assert np.array_equal(read_photo(path), picture()[..., ::-1])


def test_colours_of_another_profile_become_srgb(tmp_path):
    profile = adobe_rgb()
    path = save(tmp_path / "a.png", icc_profile=profile)
    changed = read_photo(path)
    assert np.array_equal(changed, to_srgb(picture()[..., ::-1], profile, ""))
    assert np.abs(changed.astype(int) - picture()[..., ::-1]).max() > 20


def test_a_camera_s_adobe_rgb_needs_no_profile(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "A camera"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop.value] = {1: "R03"}
    path = save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_photo(path), to_srgb(picture()[..., ::-1], adobe_rgb(), ""))


def cut_16_bits() -> bytes:
    return cv2.imencode(".png", deep_picture())[1].tobytes()[:2000]


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.jpg", lambda p: save(p, Image.fromarray(picture()).convert("CMYK")), "a CMYK image"),
        ("a.png", lambda p: save(p, Image.fromarray(picture()).convert("LA")), "transparency"),
        ("a.png", lambda p: save(p, Image.fromarray(picture()).convert("P")), "palette"),
        ("a.tif", lambda p: save(p, Image.new("I", (9, 9))), "32 bits per"),
        ("a.png", lambda p: p.write_bytes(cut_16_bits()), "it is damaged"),
        ("a.jpg", lambda p: p.write_bytes(b""), "an empty file"),
        ("a.jpg", lambda p: p.write_text("not an image"), "found 12 bytes that begin with"),
        ("a.jpg", lambda p: p.mkdir(), "expected a readable file: Is a directory"),
        ("a.jpg", lambda p: None, "the file is missing; put it back"),
    ],
)
def test_what_is_no_photo(tmp_path, name, make, message):
    make(tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: .*({message})"):
        read_photo(tmp_path / name)


def test_unreadable(tmp_path, monkeypatch):
    def deny(self):
        raise PermissionError(13, "Permission denied")

    path = save(tmp_path / "a.jpg")
    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(DataError, match="expected a readable file: Permission denied"):
        read_photo(path)


def test_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.panorama.input.photos.MAX_MEGAPIXELS", 0.01)
    with pytest.raises(DataError, match=r"at most 0\.01 megapixels, found 160 x 96"):
        read_photo(save(tmp_path / "a.png"))


def test_exif_focal_of_a_file(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    path = save(tmp_path / "a.jpg", exif=exif)
    assert open_photo(path).focal_px == pytest.approx(28 / 43.2666 * np.hypot(160, 96), rel=1e-4)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_what_is_transparent_may_not_be_used(tmp_path, name):
    alpha = np.full((96, 160, 1), 255, np.uint8)
    opaque = Image.fromarray(np.dstack([picture(), alpha]))
    assert open_photo(save(tmp_path / name, opaque)).usable is None
    alpha[:30, :40] = 0
    alpha[30:50, :40] = 127
    alpha[50:60, :40] = 128
    exif = Image.Exif()
    if name == "a.png":
        exif[ExifTags.Base.Orientation] = 6
    path = save(tmp_path / name, Image.fromarray(np.dstack([picture(), alpha])), exif=exif)
    for orientation in (1, None):
        photo = open_photo(path, orientation)
        expected = turn_upright(alpha[..., 0] > 127, photo.orientation)
        assert np.array_equal(photo.usable, expected)
        assert np.array_equal(photo.pixels, turn_upright(picture()[..., ::-1], photo.orientation))


def test_mask(tmp_path):
    mask = np.zeros((96, 160), np.uint8)
    mask[10:20, 30:50] = 1
    Image.fromarray(mask).save(tmp_path / "a.png")
    assert np.array_equal(read_mask(tmp_path / "a.png"), mask > 0)
    (tmp_path / "again.png").write_bytes(encode_mask(mask > 0))
    assert np.array_equal(read_mask(tmp_path / "again.png"), mask > 0)
    assert read_mask(tmp_path / "a.png", orientation=6).shape == (160, 96)
    (tmp_path / "b.png").write_bytes(b"no mask")
    with pytest.raises(DataError, match="expected a mask as an image"):
        read_mask(tmp_path / "b.png")


@pytest.mark.hostile
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_file_is_a_photo_or_is_refused_by_name(tmp_path, kind, seed):
    rng = np.random.default_rng(seed)
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 28
    buffer = io.BytesIO()
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind, exif=exif)
    path = tmp_path / "photo"
    for _ in range(20):
        data = bytearray(buffer.getvalue())
        for place in rng.integers(0, len(data) if seed % 2 else 200, 1 + seed):
            data[place] = rng.integers(256)
        path.write_bytes(data[: rng.integers(len(data))] if seed == 0 else data)
        with memory_limit():
            for read in (open_photo, read_mask):
                try:
                    read(path)
                except DataError as error:
                    check_sentence(str(error), str(path))
