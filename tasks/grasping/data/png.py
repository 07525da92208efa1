"""Pictures, masks and depth as PNG: lossless, and readable by everything.

Deflate with run lengths alone (strategy RLE) suits both rendered pictures and masks: at 64 px it
takes 0.3 CPU-ms a picture and 0.05 a mask, and makes both smaller than the default does.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.grasping.types import ByteImage, Float32Array

DEPTH_UNIT_M = 1e-4
"""One grey value of a depth picture."""

MAX_SIDE_PX = 8192
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_Image = npt.NDArray[np.uint8 | np.uint16]
_NOTHING = 65535  # grey value where nothing is seen
_SETTINGS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)


def encode_rgb(picture: ByteImage) -> bytes:
    """Encode a picture, (h, w, 3), RGB."""
    return _encode(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8))


def decode_rgb(data: bytes) -> ByteImage:
    """Decode a picture into (h, w, 3), RGB.

    Raises:
        DataError: The bytes are no picture.
    """
    return np.asarray(cv2.cvtColor(_decode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def encode_ids(ids: ByteImage) -> bytes:
    """Encode a mask or another single channel, (h, w), uint8."""
    return _encode(ids)


def decode_ids(data: bytes) -> ByteImage:
    """Decode a mask into (h, w), uint8.

    Raises:
        DataError: The bytes are no picture.
    """
    return _decode(data, cv2.IMREAD_GRAYSCALE).astype(np.uint8, copy=False)


def encode_depth(depth_m: Float32Array) -> bytes:
    """Encode distances, (h, w), metres, infinite where nothing is, in steps of 0.1 mm."""
    steps = np.minimum(np.round(depth_m / DEPTH_UNIT_M), _NOTHING)
    return _encode(steps.astype(np.uint16))


def decode_depth(data: bytes) -> Float32Array:
    """Decode distances into (h, w), metres.

    Raises:
        DataError: The bytes are no picture.
    """
    steps = _decode(data, cv2.IMREAD_UNCHANGED)
    depth_m = steps.astype(np.float32) * np.float32(DEPTH_UNIT_M)
    return np.where(steps == _NOTHING, np.float32(np.inf), depth_m)


def _encode(image: _Image) -> bytes:
    _, data = cv2.imencode(".png", image, _SETTINGS)
    return bytes(data.data)


def _decode(data: bytes | None, mode: int) -> _Image:
    data = data or b""  # a column may hold nothing
    size_px = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:8] != _SIGNATURE or max(size_px) > MAX_SIDE_PX:
        is_png = data[:8] == _SIGNATURE
        found = f"of {size_px[0]} x {size_px[1]} px" if is_png else "that are none"
        raise DataError(f"expected a PNG picture, got {len(data)} bytes {found}")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    if image is None:
        raise DataError(f"expected a PNG picture, got {len(data)} bytes that are none")
    return np.asarray(image)
