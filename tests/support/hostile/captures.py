"""Captures that mean harm, or just are odd: each makes of a good capture one that can't be used."""

from __future__ import annotations

import io
import os
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.hostile.images import bomb, png_chunk

Spoil = Callable[[Path], object]
PIXELS = np.random.default_rng(0).integers(0, 256, (128, 96, 3), dtype=np.uint8)
PHOTO, MASK = "images/camera1.jpg", "masks/camera1.png"


def content(name: str, data: bytes | str) -> Spoil:
    """Give a file another content."""

    def spoil(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    return spoil


def link(name: str, target: str) -> Spoil:
    """Put a link in a file's place."""

    def spoil(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return spoil


def pipe(name: str) -> Spoil:
    """Put a pipe that nobody writes to in a file's place."""

    def spoil(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return spoil


def large(name: str, num_bytes: int) -> Spoil:
    """Let a file have so many zero bytes, which take no room on the disk."""

    def spoil(folder: Path) -> None:
        os.truncate(folder / name, num_bytes)

    return spoil


def encoded(kind: str, mode: str = "RGB", **settings: object) -> bytes:
    """A small image of a kind that is no photo."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(buffer, kind, **settings)
    return buffer.getvalue()


def png(*chunks: tuple[bytes, bytes], size_px: tuple[int, int] = (96, 128), bits: int = 8) -> bytes:
    """A PNG with further chunks before its pixels."""
    header = (
        size_px[0].to_bytes(4, "big") + size_px[1].to_bytes(4, "big") + bytes([bits, 2, 0, 0, 0])
    )
    rows = zlib.compress(b"\0" * (size_px[1] * (1 + size_px[0] * 3 * bits // 8)))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def many_scans() -> bytes:
    """A JPEG whose decoder would go over it hundreds of times."""
    data = encoded("JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    return data[:start] + data[start:-2] * 60 + data[-2:]


def animation(kind: str = "GIF") -> bytes:
    """Several pictures in one file."""
    frames = [Image.fromarray(PIXELS[::-1]), Image.fromarray(PIXELS)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


BOMB = zlib.compress(b"\0" * 100_000_000)
CUT = encoded("JPEG")[:700]
PHOTOS: dict[str, Spoil] = {
    "empty": content(PHOTO, b""),
    "cut": content(PHOTO, CUT),
    "noise": content(PHOTO, bytes(range(256)) * 20),
    "a page": content(PHOTO, "<html><script>alert(1)</script>"),
    "a drawing": content(PHOTO, '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "50,000 squared in PNG": content(PHOTO, bomb("PNG")),
    "50,000 squared in JPEG": content(PHOTO, bomb("JPEG")),
    "65,500 squared in JPEG": content(PHOTO, bomb("JPEG", 65_500, 65_500)),
    "50,000 squared in TIFF": content(PHOTO, bomb("TIFF")),
    "14,200 squared in PNG": content(PHOTO, bomb("PNG", 14_200, 14_200)),
    "no pixels": content(PHOTO, bomb("PNG", 0, 0)),
    "16 bits that are cut": content(PHOTO, png(bits=16)[:-40]),
    "grey and transparent": content(PHOTO, encoded("PNG", "LA")),
    "a palette": content(PHOTO, encoded("PNG", "P")),
    "CMYK": content(PHOTO, encoded("JPEG", "CMYK")),
    "float": content(PHOTO, encoded("TIFF", "F")),
    "animated": content(PHOTO, animation()),
    "a WebP of the web's largest size": content(PHOTO, bomb("VP8L")),
    "an animated WebP": content(PHOTO, animation("WEBP")),
    "a bitmap": content(PHOTO, encoded("BMP")),
    "hundreds of scans": content(PHOTO, many_scans()),
    "a text that unpacks": content(PHOTO, png((b"zTXt", b"a\0\0" + BOMB))),
    "a wrong sum": content(PHOTO, encoded("PNG")[:-20] + b"\0" * 20),
    "a circle of directories": content(PHOTO, b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + b"\0" * 99),
    "a directory without end": content(PHOTO, b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 3000),
    "another size": content(PHOTO, bomb("JPEG", 7, 3)),
    "a pipe": pipe(PHOTO),
    "a device": link(PHOTO, "/dev/zero"),
    "a secret": link(PHOTO, "/etc/passwd"),
    "another capture's": link(PHOTO, "../../good/images/camera1.jpg"),
    "itself": link(PHOTO, "camera1.jpg"),
    "nothing": link(PHOTO, "no-such.jpg"),
    "a folder": lambda folder: ((folder / PHOTO).unlink(), (folder / PHOTO).mkdir()),
    "no UTF-8": lambda folder: (folder / PHOTO).rename(
        folder / "images" / os.fsdecode(b"\xff.jpg")
    ),
    "photos elsewhere": lambda folder: (
        shutil.rmtree(folder / "images"),
        (folder / "images").symlink_to("../good/images"),
    ),
    "twice": content("images/camera1.png", encoded("PNG")),
    "101 photos": lambda folder: [
        shutil.copy(folder / PHOTO, folder / "images" / f"{i}.jpg") for i in range(101)
    ],
    "a huge file": large(PHOTO, 3_000_000_000),
}
MASKS: dict[str, Spoil] = {
    "a mask of 50,000 squared": content(MASK, bomb("PNG")),
    "a mask of 24,000 squared": content(MASK, bomb("PNG", 24_000, 24_000)),
    "a mask of 24,000 squared in TIFF": content(MASK, bomb("TIFF", 24_000, 24_000)),
    "a mask of another size": content(MASK, png(size_px=(97, 128))),
    "a mask that is a text": content(MASK, "black"),
    "a mask that is empty": content(MASK, b""),
    "a mask that is cut": content(MASK, encoded("PNG", "L")[:900]),
    "a mask that is a device": link(MASK, "/dev/zero"),
    "a mask that is a pipe": pipe(MASK),
    "a mask elsewhere": link(MASK, "/etc/passwd"),
    "masks elsewhere": link("masks", "/usr/share"),
    "a mask in a format of films": content(MASK, b"v/1\x01\x02\0\0\0" + b"\0" * 100),
    "a mask in a format of the web": content(MASK, bomb("VP8L")),
}


def rig(**files: str | bytes) -> Spoil:
    """Replace files of the COLMAP model."""

    def spoil(folder: Path) -> None:
        for name, data in files.items():
            content(f"sparse/{name}.txt", data)(folder)

    return spoil


def edited(name: str, before: str, after: str) -> Spoil:
    """Change the first that stands in a file of the COLMAP model."""

    def spoil(folder: Path) -> None:
        path = folder / "sparse" / f"{name}.txt"
        text = path.read_text()
        assert before in text, text
        path.write_text(text.replace(before, after, 1))

    return spoil


SIZE = "PINHOLE 96 128"
FOCAL = f"{SIZE} 80.0 80.0"
RIGS: dict[str, Spoil] = {
    "a rig in bytes": rig(cameras=bytes(range(256))),
    "a rig in two bytes": rig(cameras="1 PINHOLE".encode("utf-16")),
    "a rig of COLMAP's bytes": lambda folder: [
        p.rename(p.with_suffix(".bin")) for p in list((folder / "sparse").glob("*.txt"))
    ],
    "a rig of zeros": rig(cameras="\0" * 1000),
    "a rig of a hundred thousand": rig(cameras="1 PINHOLE 96 128 80 80 48 64\n" * 100_000),
    "a rig of 101": rig(
        rigs="", images="".join(f"{i} 1 0 0 0 0 0 0 1 {i}.jpg\n\n" for i in range(101))
    ),
    "a rig that is huge": large("sparse/cameras.txt", 3_000_000_000),
    "a rig that is a pipe": pipe("sparse/cameras.txt"),
    "a rig that is a device": link("sparse/cameras.txt", "/dev/zero"),
    "a rig elsewhere": link("sparse/cameras.txt", "/etc/passwd"),
    "a width of 30 digits": edited("cameras", SIZE, "PINHOLE " + "9" * 30 + " 128"),
    "a width of 5,000 digits": edited("cameras", SIZE, "PINHOLE " + "9" * 5000 + " 128"),
    "a negative width": edited("cameras", SIZE, "PINHOLE -96 128"),
    "no width": edited("cameras", SIZE, "PINHOLE 0 128"),
    "a focal length that is none": edited("cameras", FOCAL, f"{SIZE} nan 80.0"),
    "an endless focal length": edited("cameras", FOCAL, f"{SIZE} inf 80.0"),
    "a focal length of 1e300": edited("cameras", FOCAL, f"{SIZE} 1e300 1e300"),
    "a focal length of 1e-300": edited("cameras", FOCAL, f"{SIZE} 1e-300 1e-300"),
    "a negative focal length": edited("cameras", FOCAL, f"{SIZE} -80.0 80.0"),
    "a centre of 1e300": edited("cameras", f"{FOCAL} 51.0", f"{FOCAL} 1e300"),
    "too few numbers": edited("cameras", FOCAL, SIZE),
    "a lens of nobody": edited("cameras", "PINHOLE", "FOV"),
    "a lens with a long name": edited("cameras", "PINHOLE", "P" * 100_000),
    "a rotation of length 0": edited("images", "1 1.0 0.0 0.0 0.0", "1 0.0 0.0 0.0 0.0"),
    "a rotation of length 1e200": edited("rigs", "CAMERA 2 1 0", "CAMERA 2 1 1e200"),
    "a rig of 1e9 sensors": edited("rigs", "1 3 CAMERA", "1 1000000000 CAMERA"),
    "a sensor of motion": edited("rigs", "CAMERA 2", "IMU 2"),
    "two rigs in one": edited("rigs", "1 3 CAMERA", "1 1 CAMERA 1\n1 3 CAMERA"),
    "a camera far away": edited("frames", "0.0 0.0 0.0 3", "1e300 0.0 0.0 3"),
    "an image above": edited("images", "camera1.jpg", "../../good/images/camera1.jpg"),
    "an image of the system": edited("images", "camera1.jpg", "/etc/passwd"),
    "an image without a name": edited("images", "camera1.jpg", ""),
    "an image called a slash": edited("images", "camera1.jpg", "/"),
    "an image called ..": edited("images", "camera1.jpg", ".."),
    "one image of two cameras": edited("images", "camera1.jpg", "camera0.jpg"),
    "images of other cameras": edited("images", "3 camera2.jpg", "99 camera2.jpg"),
    "two rigs": content("capture.pto", "i w96 h128 f0 v50 r0 p0 y0 n\"camera0.jpg\""),
}  # fmt: skip


def project(*lines: str | bytes) -> Spoil:
    """Have a Hugin project in place of the COLMAP model."""

    def spoil(folder: Path) -> None:
        shutil.rmtree(folder / "sparse")
        parts = [line.encode() if isinstance(line, str) else line for line in lines]
        (folder / "capture.pto").write_bytes(b"\n".join(parts) + b"\n")

    return spoil


def image(number: int = 0, **fields: object) -> str:
    """An ``i`` line, with fields of other values."""
    values = {"w": 96, "h": 128, "f": 0, "v": 62, "r": 0, "p": 0, "y": 35 * number}
    values |= {"n": f'"camera{number}.jpg"', **fields}
    return "i " + " ".join(f"{name}{value}" for name, value in values.items())


REST = (image(1), image(2))
PROJECTS: dict[str, Spoil] = {
    "a project of nothing": project(""),
    "a project of one": project(image()),
    "a project of a thousand": project(*(image(i) for i in range(1000))),
    "a project of zeros": project(b"\0" * 1000),
    "a project of bytes": project(bytes(range(256)) * 10),
    "a project that is huge": lambda folder: (
        project("")(folder),
        os.truncate(folder / "capture.pto", 3_000_000_000),
    ),
    "a project that is a pipe": lambda folder: (
        shutil.rmtree(folder / "sparse"),
        os.mkfifo(folder / "capture.pto"),
    ),
    "a project elsewhere": lambda folder: (
        shutil.rmtree(folder / "sparse"),
        (folder / "capture.pto").symlink_to("/etc/passwd"),
    ),
    "a width of 1e300": project(image(w="1e300"), *REST),
    "a width of 1e8": project(image(w="1e8"), *REST),
    "a width below nothing": project(image(w="-96"), *REST),
    "a width that is none": project(image(w="nan"), *REST),
    "no view": project(image(v=0), *REST),
    "a view below nothing": project(image(v=-5), *REST),
    "a view all round": project(image(v=400), *REST),
    "a view that is none": project(image(v="nan"), *REST),
    "a view of 1e-300": project(image(v="1e-300"), *REST),
    "a turn of 1e300": project(image(y="1e300"), *REST),
    "an endless turn": project(image(p="inf"), *REST),
    "a curve of 1e300": project(image(a="1e300"), *REST),
    "a shift of 1e12": project(image(d="1e12"), *REST),
    "a lens type of 99": project(image(f=99), *REST),
    "a lens type of 1e300": project(image(f="1e300"), *REST),
    "a shear": project(image(g=1), *REST),
    "a reference to itself": project(image(v="=0"), *REST),
    "a reference to the last": project(image(), image(1, v="=-1"), image(2)),
    "a reference to 1e9": project(image(), image(1, v="=1000000000"), image(2)),
    "a reference of 5,000 digits": project(image(), image(1, v="=" + "9" * 5000), image(2)),
    "a reference in other digits": project(image(), image(1, v="=\u0660"), image(2, v="=x")),
    "no name": project(image(n=""), *REST),
    "a photo above": project(image(n='"../../../etc/passwd.jpg"'), *REST),
    "a photo of the system": project(image(n='"/etc/passwd"'), *REST),
    "a photo of another system": project(image(n='"C:\\\\Windows\\\\win.jpg"'), *REST),
    "a photo on a share": project(image(n='"\\\\\\\\host\\\\share\\\\x.jpg"'), *REST),
    "a photo called ..": project(image(n='".."'), *REST),
    "one photo of all": project(image(), image(), image()),
    "a value of a megabyte": project(image(v="9" * 1_000_000), *REST),
    "a name of a megabyte": project(image(n='"' + "x" * 1_000_000 + '"'), *REST),
    "a field without a letter": project(image() + " 7", *REST),
}


def renamed(name: str | bytes) -> Spoil:
    """Give the capture's folder another name."""
    return lambda folder: folder.rename(folder.parent / os.fsdecode(name))


# Captures whose folders bear names that can't be a result's, and what lists them then.
NAMES: dict[str, tuple[str | bytes, str]] = {
    "a new line": ("a\nORRERY_RESULT []\nz", "a\nORRERY_RESULT []\nz"),
    "an escape": ("a\x1b[2Jz", "a\x1b[2Jz"),
    "a turned script": ("a\u202egpj", "a\u202egpj"),
    "a line separator": ("a\u2028b", "a\u2028b"),
    "bytes": (b"caf\xe9", "caf\\udce9"),
    "a long name": ("x" * 230, "x" * 230),
    "a blank at its end": ("x ", "x "),
    "a dot at its end": ("x.", "x."),
    "a page's name": ("report.html", "report.html"),
    "another page's name": ("viewer.html", "viewer.html"),
    "a page's name in capitals": ("REPORT.HTML", "REPORT.HTML"),
    "a sheet's name": ("contact_sheet.jpg", "contact_sheet.jpg"),
}


def damaged(text: bytes, rng: np.random.Generator) -> bytes:
    """A text of numbers with some tokens replaced by what no number should be, or cut out."""
    odd = [b"nan", b"-inf", b"1e308", b"-1", b"0", b"1e-308", b"", b"9" * 400, b"x", b"\xff", b"\n"]
    tokens = re.split(rb"([ \n])", text)
    for place in rng.integers(len(tokens), size=1 + rng.integers(3)):
        token = odd[rng.integers(len(odd))]
        letter = re.match(rb"[A-Za-z]*", tokens[place])
        tokens[place] = (letter[0] if letter and rng.integers(2) else b"") + token
    return b"".join(tokens)
