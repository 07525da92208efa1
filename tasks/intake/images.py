"""Images of unknown origin: what a file's header says is checked before its pixels are decoded.

A file of some kilobytes can declare 50,000 x 50,000 pixels, which any decoder then allocates.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tasks.core.errors import DataError
from tasks.core.files import read_bytes, shown

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
MAX_MEGAPIXELS = 100
MAX_FILE_BYTES = 500_000_000
_WHAT = f"an image ({', '.join(FORMATS)})"
_UNBOUNDED = {"F": "floating-point values", "I": "whole numbers of 32 bits"}  # modes of Pillow
# Of files that stand beside images: labels, lists, notes.
_NO_IMAGES = frozenset(
    (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".py")
)


def may_be_image(name: str) -> bool:
    """Whether a file may be an image by its name, which needs no suffix, or one of a text."""
    return Path(name).suffix.lower() not in _NO_IMAGES


def read_image_bytes(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> bytes:
    """Read an image's file, still encoded, after a look at its header.

    Raises:
        DataError: It is missing, no plain file, no image, or larger.
    """
    data = read_bytes(path, MAX_FILE_BYTES, _WHAT)
    check_image(data, shown(path), max_megapixels)
    return data


def check_image(data: bytes, where: str, max_megapixels: float = MAX_MEGAPIXELS) -> tuple[int, int]:
    """Make sure that an encoded image may be decoded.

    Args:
        data: The file's bytes.
        where: Where they come from, for messages.
        max_megapixels: Size above which it is refused.

    Returns:
        Width and height, in pixels.

    Raises:
        DataError: It is no image, has no pixels or too many.
    """
    with _opened(data, where, max_megapixels) as image:
        return image.size


def _opened(data: bytes, where: str, max_megapixels: float) -> Image.Image:
    """An image that may be decoded; its pixels are not, yet."""
    _check_size(_webp_size(data), where, max_megapixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its limit, which is another than ours
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{where}: expected an image of at most {max_megapixels:g} megapixels: {error}; scale "
            "it down"
        ) from error
    except Exception as error:  # the readers raise whatever a bad file makes them stumble over
        found = f"{len(data):,} bytes that begin with {data[:8]!r}"
        raise DataError(
            f"{where} is no image that can be read: expected {_WHAT}, got {found}; save it again"
        ) from error
    _check_size(image.size, where, max_megapixels)
    return image


def decode_rgb(data: bytes, where: str, *, upright: bool = False) -> Image.Image:
    """Decode an image. Grey of 16 bits keeps its black and white.

    Args:
        data: The file's bytes.
        where: Where they come from, for messages.
        upright: Turn it as its EXIF orientation asks, as viewers show it: phones store what their
            sensor saw, whichever way they were held. Else it is as it is stored, but for TIFF,
            which Pillow turns in any case.

    Returns:
        The image, of mode RGB.

    Raises:
        DataError: As `check_image`, or it is damaged, or its numbers don't say what is white.
    """
    with _opened(data, where, MAX_MEGAPIXELS) as image:
        is_16_bits = "16" in image.mode or (image.format, image.mode) == ("PPM", "I")
        if image.mode in _UNBOUNDED and not is_16_bits:
            raise DataError(
                f"{where}: expected an image of 8 or 16 bits, got {_UNBOUNDED[image.mode]}, which "
                "don't say what is black and what is white; save it as 8 bits"
            )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd metadata and palettes
                image.load()
                turned = _turned(image) if upright else image
                return (_eight_bits(turned) if is_16_bits else turned).convert("RGB")
        except Exception as error:  # see `_opened`
            raise DataError(
                f"{where} is no image that can be read: it is damaged ({error}); copy it again"
            ) from error


def _turned(image: Image.Image) -> Image.Image:
    """An image as its EXIF orientation asks; as it is where the tags can't be read."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the readers of tags raise whatever bad ones make them stumble over
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as 8: Pillow's own conversion cuts off above 255, which is nearly black."""
    values = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((values * 255 + 32_767) // 65_535).astype(np.uint8))


def _check_size(size_px: tuple[int, int], where: str, max_megapixels: float) -> None:
    width_px, height_px = size_px
    if not 0 < width_px * height_px <= max_megapixels * 1e6:
        raise DataError(
            f"{where}: expected an image of at most {max_megapixels:g} megapixels, got "
            f"{width_px:,} x {height_px:,} px; scale it down"
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Size of a WebP image, for which Pillow allocates when it opens it; (1, 1) of others.

    Source: RFC 9649, sections 2.5 to 2.7.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return 1, 1
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, (
        int.from_bytes(data[28:30], "little") & 0x3FFF
    )
