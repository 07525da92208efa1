"""Colours of photos as sRGB: what their profiles say of the numbers is carried out.

Sources: ICC.1:2010 (profiles); Adobe, "Adobe RGB (1998) Color Image Encoding", section 4 and annex
C (primaries under D50, gamma); DCF 2.0, section 5 (cameras state Adobe RGB by the interoperability
index ``R03``, without a profile). Colours that sRGB lacks become the nearest that it has.
"""

from __future__ import annotations

import io
import logging
import struct
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from tasks.panorama.types import ByteImage

ADOBE_RGB = "R03"
_LOG = logging.getLogger(__name__)
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_SAME = 1  # grey level: by so much profiles of sRGB itself differ in rounding
_LATTICE = 17
_D50 = (0.9642, 1.0, 0.8249)
_ADOBE_PRIMARIES = (
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)
_ADOBE_GAMMA = 563 / 256
_MODES = {"RGB": "RGB", "GRAY": "L"}


def to_srgb(pixels: ByteImage, profile: bytes | None, where: str) -> ByteImage:
    """Convert colours to sRGB.

    Args:
        pixels: (height, width, 3) BGR; grey ones hold the same three times.
        profile: The ICC profile that the file carries; None for sRGB.
        where: Path for messages.

    Returns:
        (height, width, 3) BGR; the same array where nothing changes.
    """
    if not profile:
        return pixels
    try:
        found = _transform(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _LOG.warning("%s: its colour profile can't be used (%s); taken as sRGB", where, error)
        return pixels
    if found is None:
        return pixels
    mode, transform = found
    stored = pixels[..., 0] if mode == "L" else pixels[..., ::-1]
    image = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(stored)), transform)
    return np.asarray(image)[..., ::-1]


def adobe_rgb() -> bytes:
    """A profile of Adobe RGB (1998), for photos that name it and carry none."""
    return matrix_profile(_ADOBE_PRIMARIES, _ADOBE_GAMMA)


def matrix_profile(primaries_xyz: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """Make an ICC profile of version 2 from primaries and one gamma.

    Args:
        primaries_xyz: XYZ of red, green and blue, adapted to D50.
        gamma: Exponent from stored to linear values.
    """
    curve = b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(gamma * 256))
    name = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78)
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(_D50)}
    for colour, xyz in zip((b"r", b"g", b"b"), primaries_xyz, strict=True):
        tags |= {colour + b"XYZ": _xyz(xyz), colour + b"TRC": curve}
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    header = struct.pack(
        ">I4x4s4s4s4s", start + len(data), b"\2\x40\0\0", b"mntr", b"RGB ", b"XYZ "
    )
    header += bytes(12) + b"acsp" + bytes(28) + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + table + data


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The mode of the pixels that a profile is of, and the way to sRGB; None if they are sRGB."""
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = str(given.profile.xcolor_space).strip()
    if space not in _MODES:
        raise ValueError(f"it is of {space} colours")
    mode = _MODES[space]
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(given, srgb, mode, "RGB", renderingIntent=_INTENT)
    return None if mode == "RGB" and _changes_nothing(transform) else (mode, transform)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.linspace(0, 255, _LATTICE).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(_LATTICE, -1, 3)
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(colours), transform))
    return bool(np.abs(after.astype(np.int16) - colours).max() <= _SAME)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))
