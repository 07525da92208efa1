"""Which files are photos by their names, and what is said of pictures that can't be read."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import PurePath

_READ = (".jpg", ".jpeg", ".jpe", ".insp", ".png", ".tif", ".tiff", ".webp")
_HEIC = (".heic", ".heif", ".hif")
_RAW = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff"),
    *(".gpr", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf"),
    *(".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
_OTHERS = (
    *(".avif", ".bmp", ".exr", ".gif", ".hdr", ".insv", ".jp2", ".jxl", ".mov"),
    *(".mp4", ".ppm", ".psb", ".psd", ".svg", ".xcf"),
)
_HEIF_PACKAGE = "pillow-heif"
FORMATS = "JPEG, PNG, TIFF, WebP, HEIC"


@lru_cache(maxsize=1)
def reads_heic() -> bool:
    """Whether HEIC can be read here: its decoder is an optional package."""
    return importlib.util.find_spec("pillow_heif") is not None


def is_heic(name: str) -> bool:
    """Whether a file is HEIC by its name: phones take photos so."""
    return PurePath(name).suffix.lower() in _HEIC


def is_photo(name: str) -> bool:
    """Whether a file is a photo that can be read, by its name."""
    return PurePath(name).suffix.lower() in _READ or (is_heic(name) and reads_heic())


def is_from_camera(name: str) -> bool:
    """Whether a file is what cameras and phones write, readable or not, by its name."""
    return PurePath(name).suffix.lower() in (*_READ, *_HEIC, *_RAW)


def why_ignored(name: str) -> str | None:
    """Why a picture can't be read, and what to do; None of photos and of what is no picture."""
    suffix = PurePath(name).suffix.lower()
    if is_photo(name):
        return None
    if suffix in _HEIC:
        return (
            f"HEIC is read where the package {_HEIF_PACKAGE} is installed: install it, or export "
            "the photo as JPEG"
        )
    if suffix in _RAW:
        return "it is a raw file: develop it to TIFF or JPEG"
    if suffix in _OTHERS:
        return f"photos are read as {FORMATS}: export it as one of them"
    return None
