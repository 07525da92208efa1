"""Files that lie where images are expected, and are none: one of each kind."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.hostile.images import bomb, png_chunk

SUFFIX = ".png"


def _encoded(kind: str, size_px: tuple[int, int] = (9, 9)) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (*size_px, 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def _cut(kind: str, share: float) -> Callable[[Path], None]:
    data = _encoded(kind)
    return lambda path: _write(path, data[: int(share * len(data))])


def _holding(data: bytes) -> Callable[[Path], None]:
    return lambda path: _write(path, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _noise_after(begin: bytes, seed: int) -> Callable[[Path], None]:
    return _holding(begin + np.random.default_rng(seed).bytes(200))


def _png_with(chunk: bytes) -> bytes:
    data = _encoded("PNG")
    return data[:33] + chunk + data[33:]


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.write(_encoded("PNG"))
        file.truncate(80 * 10**9)  # a hole: takes no disk


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # its path may not be long
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


def _link_out(path: Path) -> None:
    secret = path.parents[3] / "outside" / "secret.png"
    secret.parent.mkdir(exist_ok=True)
    secret.write_bytes(_encoded("PNG"))
    path.symlink_to(secret)


# Each writes one file, folder, pipe, socket or link.
ODD: dict[str, Callable[[Path], None]] = {
    **{f"a {kind} that declares 50,000 px": _holding(bomb(kind))
       for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "VP8", "VP8L")},
    **{f"a {kind} cut at {share}": _cut(kind, share)
       for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP") for share in (0.1, 0.7)},
    **{f"noise after the signature of {begin[:4]!r}": _noise_after(begin, seed)
       for seed, begin in enumerate((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b"II*\0",
                                     b"RIFF\xff\xff\xff\xffWEBPVP8X", b"GIF89a"))},
    "a PNG of no width": _holding(bomb("PNG", 0, 7)),
    "a PNG of 2^31 px": _holding(bomb("PNG", 2**31 - 1, 2**31 - 1)),
    "a PNG whose text unpacks without end": _holding(
        _png_with(png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 30_000_000)))
    ),
    "a PNG whose chunk is longer than it": _holding(_png_with(struct.pack(">I", 2**31) + b"tEXt")),
    "a vector graphic": _holding(b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>'),
    "PostScript": _holding(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "a text": _holding(b"no image"),
    "nothing": _holding(b""),
    "80 GB": _large,
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a link out": _link_out,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("gone.png"),
}  # fmt: skip


def write_odd(name: str, folder: Path, stem: str = "odd") -> str:
    """Write one of them into a folder two below the data's; returns the file's name."""
    path = folder / f"{stem}{SUFFIX}"
    ODD[name](path)
    return path.name
