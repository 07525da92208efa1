"""Photos in files: read, checked and turned upright.

Later stages work on 8-bit sRGB. What leads there without guessing is converted: 16 bits, grey,
colours of another profile (`colour`); an alpha channel is a mask. All else is an error that says
what to convert, for a silent conversion would change colours or hide that half of a picture is
missing.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from tasks.core.errors import DataError
from tasks.intake.images import check_image
from tasks.panorama.input.colour import ADOBE_RGB, adobe_rgb, to_srgb
from tasks.panorama.input.formats import FORMATS, reads_heic
from tasks.panorama.input.jpeg_integrity import decode_jpeg
from tasks.panorama.input.photo_facts import exif_focal_px, photo_facts
from tasks.panorama.photo_records import PhotoFacts
from tasks.panorama.types import BoolArray, ByteImage

MAX_MEGAPIXELS = 200
MAX_FILE_BYTES = 1_000_000_000
MAX_SCANS = 200  # of a progressive JPEG; cameras and editors write about ten
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_DEEP_BITS = 16
_PNG_BIT_DEPTH_BYTE = 24
_TIFF_BITS_PER_SAMPLE = 258
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
_HALF_OPAQUE = 127  # of 255: from there on, as in enblend, a pixel belongs to the photo

_REMEDY_BY_MODE = {
    "1": "an image of black and white alone; export it as 8-bit RGB",
    "LA": "a grey image with transparency; export it as 8-bit RGB",
    "CMYK": "a CMYK image; convert it to 8-bit RGB (sRGB)",
    "YCCK": "a CMYK image; convert it to 8-bit RGB (sRGB)",
    "P": "a palette image; export it as 8-bit RGB",
    "I": "an image of 32 bits per channel; export it as 16-bit or 8-bit RGB",
    "F": "an image of floating-point values; export it as 8-bit RGB",
}


@dataclass(frozen=True)
class Photo:
    """A photo and what its file says about it.

    Attributes:
        pixels: (height, width, 3) BGR, sRGB, upright.
        orientation: EXIF orientation, 1 to 8, that was applied to make it upright.
        usable: (height, width) False where it is more transparent than not; None where it is
            opaque.
        focal_px: Focal length by EXIF; None where it says nothing to be trusted.
        facts: Where, when and by whom it was taken.
    """

    pixels: ByteImage
    orientation: int
    usable: BoolArray | None
    focal_px: float | None
    facts: PhotoFacts

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height, upright."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def stored_size_px(self) -> tuple[int, int]:
        """Width and height of the stored pixels."""
        width_px, height_px = self.size_px
        return (height_px, width_px) if self.orientation in _TURNED else (width_px, height_px)


def read_photo(path: Path, orientation: int | None = None) -> ByteImage:
    """Read the pixels of a photo.

    Args:
        path: The file.
        orientation: EXIF orientation to apply, 1 for the pixels as they are stored; None for
            what the file says.

    Returns:
        (height, width, 3) BGR, sRGB.

    Raises:
        DataError: The file is missing, unreadable, damaged or neither RGB nor grey; says what
            to do.
    """
    return open_photo(path, orientation).pixels


def open_photo(path: Path, orientation: int | None = None) -> Photo:
    """Read a photo with its orientation and focal length; see `read_photo`."""
    data = _read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of a limit of Pillow's own
            stored, alpha, tags = _decode(data, path)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path}: expected at most {MAX_MEGAPIXELS} megapixels ({error}); scale it down."
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path}: expected an image ({FORMATS}), found {_describe(data)}. "
            "Export the photo again."
        ) from error
    except Exception as error:  # the readers raise whatever a bad file makes them stumble over
        raise DataError(
            f"{path}: expected a whole image, but it is damaged ({error}). Copy it again."
        ) from error
    if orientation is None:
        stated = tags.get(ExifTags.Base.Orientation, 1)
        orientation = stated if isinstance(stated, int) and stated in range(1, 9) else 1
    return Photo(
        pixels=turn_upright(stored, orientation),
        orientation=orientation,
        usable=None if alpha is None else turn_upright(alpha, orientation) > _HALF_OPAQUE,
        focal_px=exif_focal_px(tags, stored.shape[1], stored.shape[0]),
        facts=photo_facts(tags),
    )


def _decode(data: bytes, path: Path) -> tuple[ByteImage, ByteImage | None, dict[int, Any]]:
    """Pixels as they are stored, BGR, their opacity where it is not full, and the EXIF tags."""
    with _opened(data, path) as image:
        _check_kind(image, data, path)
        exif = image.getexif()
        tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
        tags[ExifTags.IFD.GPSInfo] = exif.get_ifd(ExifTags.IFD.GPSInfo)
        if image.format == "TIFF":  # both decoders turn it
            tags.pop(ExifTags.Base.Orientation, None)
        stored = _stored_pixels(image, data, path)
        alpha = _opacity(image)
        profile = image.info.get("icc_profile")
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    if profile is None and index == ADOBE_RGB:
        profile = adobe_rgb()
    return to_srgb(stored, profile, str(path)), alpha, tags


def _opened(data: bytes, path: Path) -> Image.Image:
    """An image whose pixels are not decoded yet."""
    if data[:4] == b"RIFF":  # for which Pillow allocates when it opens it
        check_image(data, str(path), MAX_MEGAPIXELS)
    if not reads_heic():
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    import pillow_heif

    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data), formats=(*_FORMATS, "HEIF"))


def _stored_pixels(image: Image.Image, data: bytes, path: Path) -> ByteImage:
    if image.format in ("JPEG", "MPO"):
        _check_scans(data, path)
        return decode_jpeg(data, str(path))
    if _bits_per_channel(image, data) == _DEEP_BITS:
        return _eight_bits(data)
    image.load()
    return np.asarray(image.convert("RGB"))[:, :, ::-1]


def _eight_bits(data: bytes) -> ByteImage:
    """Pixels of a 16-bit image, rounded: Pillow would cut their lower half off."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    deep = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if deep is None or deep.dtype != np.uint16:
        raise ValueError("its 16-bit pixels can't be decoded")
    return np.asarray(cv2.convertScaleAbs(deep, alpha=255 / 65_535), np.uint8)


def _opacity(image: Image.Image) -> ByteImage | None:
    """Alpha of an image, of 16 bits their upper half; None where all is opaque."""
    if image.mode != "RGBA":
        return None
    alpha = np.asarray(image.getchannel("A"))
    return alpha if alpha.min() < 255 else None


def read_mask(path: Path, orientation: int = 1) -> BoolArray:
    """Read a mask: pixels to use are not black.

    Args:
        path: An image of one or more channels.
        orientation: EXIF orientation to apply.

    Returns:
        (height, width) True where the photo may be used.

    Raises:
        DataError: The file can't be read as an image, or is too large.
    """
    data, mask = _read_bytes(path), None
    _check_mask(data, path)
    with suppress(cv2.error):
        mask = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
        )
    if mask is None:
        raise DataError(f"{path}: expected a mask as an image (PNG), found {_describe(data)}.")
    return turn_upright(np.asarray(mask, np.uint8), orientation) > 0


def encode_mask(usable: BoolArray) -> bytes:
    """Write a mask as PNG, as `read_mask` reads it: (height, width) True where to use."""
    return cv2.imencode(".png", usable.astype(np.uint8) * 255)[1].tobytes()


def decode_mask(png: bytes) -> BoolArray:
    """Read what `encode_mask` wrote."""
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)) > 0


def _check_mask(data: bytes, path: Path) -> None:
    """Look at what a mask's header declares, which a decoder would allocate."""
    try:
        check_image(data, str(path), MAX_MEGAPIXELS)
    except DataError as error:
        raise DataError(f"{path}: expected a mask as an image (PNG): {error}.") from error


def turn_upright(pixels: ByteImage, orientation: int) -> ByteImage:
    """Apply an EXIF orientation (EXIF 2.32, tag 0x0112) to stored pixels."""
    if orientation in _TURNED:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _read_bytes(path: Path) -> bytes:
    try:
        stat = path.stat()
        if not (S_ISREG(stat.st_mode) or S_ISDIR(stat.st_mode)) or stat.st_size > MAX_FILE_BYTES:
            raise DataError(
                f"{path}: expected a file of at most {MAX_FILE_BYTES:,} bytes, found "
                f"{stat.st_size:,} bytes or no plain file; save the photo anew."
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: the file is missing; put it back or correct the rig.") from error
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}.") from error
    if not data:
        raise DataError(f"{path}: expected an image, found an empty file. Copy it again.")
    return data


def _check_kind(image: Image.Image, data: bytes, path: Path) -> None:
    if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
        raise DataError(
            f"{path}: expected at most {MAX_MEGAPIXELS} megapixels, found {image.width} x "
            f"{image.height}; scale it down."
        )
    found = _REMEDY_BY_MODE.get(image.mode)
    bits = _bits_per_channel(image, data)
    if found is None and not (bits <= 8 or bits == _DEEP_BITS):
        found = f"an image of {bits} bits per channel; export it as 16-bit or 8-bit RGB"
    if found is None and image.mode not in ("RGB", "RGBA", "L", "I;16", "I;16B"):
        found = f"an image of mode {image.mode}; export it as 8-bit RGB"
    if found is None and getattr(image, "n_frames", 1) > 1 and image.format == "WEBP":
        found = "an animation; export one picture of it"
    if found:
        raise DataError(f"{path}: expected an RGB or grey image, found {found}.")


def _check_scans(data: bytes, path: Path) -> None:
    """A small file can make a decoder go over a large picture thousands of times."""
    if (num_scans := data.count(b"\xff\xda")) > MAX_SCANS:
        raise DataError(
            f"{path}: expected a JPEG of at most {MAX_SCANS} scans, found {num_scans}; save the "
            "photo anew."
        )


def _bits_per_channel(image: Image.Image, data: bytes) -> int:
    if image.format == "PNG" and len(data) > _PNG_BIT_DEPTH_BYTE:
        return data[_PNG_BIT_DEPTH_BYTE]
    if image.format == "TIFF":
        tag_values: Any = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, (8,))
        return int(max(tag_values)) if isinstance(tag_values, tuple) else int(tag_values)
    return 8


def _describe(data: bytes) -> str:
    return f"{len(data)} bytes that begin with {data[:8]!r}"
