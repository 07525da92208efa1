"""Small files that declare large images."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIDE_PX = 50_000


def bomb(kind: str, width_px: int = SIDE_PX, height_px: int = SIDE_PX) -> bytes:
    """An image file whose header declares a size that its bytes don't hold.

    Args:
        kind: A format of Pillow's; or ``VP8`` or ``VP8L``, the kinds of WebP without a canvas.
        width_px: What it declares, as far as the format can.
        height_px: As well.
    """
    if kind == "PNG":
        return _png(width_px, height_px)
    if kind in ("VP8", "VP8L", "WEBP"):
        return _webp(kind)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((3, 7, 3), np.uint8)).save(buffer, kind)
    data = buffer.getvalue()
    for was, now in {
        "JPEG": (struct.pack(">HH", 3, 7), struct.pack(">HH", height_px, width_px)),
        "BMP": (struct.pack("<ii", 7, 3), struct.pack("<ii", width_px, height_px)),
        "GIF": (struct.pack("<HH", 7, 3), struct.pack("<HH", width_px, height_px)),
        "TIFF": (
            struct.pack("<HHIIHHII", 256, 4, 1, 7, 257, 4, 1, 3),
            struct.pack("<HHIIHHII", 256, 4, 1, width_px, 257, 4, 1, height_px),
        ),
    }.items():
        if was == kind:
            data = data.replace(*now)
    return data


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file, with its sum."""
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _png(width_px: int, height_px: int) -> bytes:
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    rows = png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + rows + png_chunk(b"IEND", b"")


def _webp(kind: str) -> bytes:
    most = 16_383  # of 14 bits
    if kind == "VP8L":
        body = b"VP8L" + struct.pack("<IBI", 30, 0x2F, most | most << 14)
    elif kind == "VP8":
        body = b"VP8 " + struct.pack("<I", 30) + b"\x30\x01\x00\x9d\x01\x2a"
        body += struct.pack("<HH", most, most)
    else:
        body = b"VP8X" + struct.pack("<II", 10, 0) + (SIDE_PX).to_bytes(3, "little") * 2
    body += b"\0" * 40
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
