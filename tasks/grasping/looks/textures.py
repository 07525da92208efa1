"""Textures: small square pictures that repeat without end.

Half of them serve randomisation and the other half the surrogate, so that randomised training
never shows a surface of the test. In a folder sorted by name, neighbours are of one kind; the
halves are therefore the first and the second, not every other one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from tasks.core.errors import ArtifactError, ConfigError, DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.grasping.looks.patterns import ABSTRACT, NATURAL
from tasks.grasping.types import ByteImage
from tasks.intake.arrays import read_npz
from tasks.intake.folders import files_below
from tasks.intake.images import read_image_bytes
from tasks.intake.skips import check_few

SIDE_PX = 128
MAX_TEXTURES = 4096
_SMALLEST_PX = 8

Half = Literal["randomise", "surrogate"]


@dataclass(frozen=True, eq=False)
class Textures:
    """Pictures that surfaces are painted with.

    Attributes:
        images: (n, side, side, 3), uint8, RGB; side is a power of two. A `SurfaceLook` names one
            by its index.
        skipped: Files of the user's folder that are no pictures, and why.
    """

    images: ByteImage
    skipped: tuple[Skipped, ...] = ()

    @property
    def num(self) -> int:
        """Number of textures."""
        return len(self.images)

    def half(self, which: Half) -> range:
        """Return the indices of one half; the other half has none of them."""
        return half_of(self.num, which)

    @functools.cached_property
    def pyramid(self) -> tuple[ByteImage, ...]:
        """The textures at full size, half, quarter, … down to 8 px, each (n, side, side, 3)."""
        levels = [self.images]
        while levels[-1].shape[1] > _SMALLEST_PX:
            image = levels[-1].astype(np.uint16)
            image = image[:, 0::2] + image[:, 1::2]
            image = image[:, :, 0::2] + image[:, :, 1::2]
            levels.append(((image + 2) // 4).astype(np.uint8))
        return tuple(levels)


def half_of(num_textures: int, which: Half) -> range:
    """Return the indices of one half of so many textures."""
    middle = (num_textures + 1) // 2
    return range(middle) if which == "randomise" else range(middle, num_textures)


def generated_textures(rng: np.random.Generator, count: int) -> Textures:
    """Make up textures.

    Args:
        rng: Decides all of them.
        count: How many; the first half are abstract patterns, the second resemble materials.
    """
    num_abstract = len(half_of(count, "randomise"))
    kinds = [ABSTRACT[k % len(ABSTRACT)] for k in range(num_abstract)]
    kinds += [NATURAL[k % len(NATURAL)] for k in range(count - num_abstract)]
    each = [kind(child, SIDE_PX) for kind, child in zip(kinds, rng.spawn(count), strict=True)]
    return Textures(np.array(each, np.uint8).reshape(count, SIDE_PX, SIDE_PX, 3))


def read_textures(folder: Path) -> Textures:
    """Read all pictures of a folder and its subfolders, sorted by name.

    Each is cropped to the square in its middle and resized. Hidden files don't count.

    Raises:
        ConfigError: The folder is missing or empty, or holds too many pictures.
        DataError: Too many files are no pictures that can be read; the message names them.
    """
    if not folder.is_dir():
        raise ConfigError(f"randomise.textures: there is no folder {shown(folder)!r}")
    files, skipped = files_below(folder)
    if not 0 < len(files) <= MAX_TEXTURES:
        raise ConfigError(
            f"randomise.textures: expected 1 to {MAX_TEXTURES} pictures in {folder}, "
            f"found {len(files)}"
        )
    images, num_files = [], len(files) + len(skipped)
    for path in files:
        try:
            images.append(_read_texture(path, path.relative_to(folder).as_posix()))
        except DataError as error:
            name = path.relative_to(folder).as_posix()
            skipped.append(Skipped(item_id=name, reason=str(error)))
    check_few(skipped, num_files, f"files of {folder}")
    return Textures(np.stack(images), tuple(skipped))


def save_textures(path: Path, textures: Textures) -> None:
    """Write textures as one npz file; equal textures give equal bytes."""
    with path.open("wb") as file:
        np.savez_compressed(file, images=textures.images)


def load_textures(path: Path) -> Textures:
    """Read what `save_textures` wrote.

    Raises:
        ArtifactError: The file is missing, cut short or holds something else.
    """
    try:
        images = read_npz(path, ("images",), MAX_TEXTURES * SIDE_PX**2 * 3)["images"]
    except DataError as error:
        raise ArtifactError(f"{path} holds no textures: {error}; run plan again") from error
    if images.ndim != 4 or images.shape[1:] != (SIDE_PX, SIDE_PX, 3) or images.dtype != np.uint8:
        raise ArtifactError(
            f"{path}: expected textures of {SIDE_PX} px, got {images.dtype} {images.shape}; "
            "run plan again"
        )
    return Textures(images)


def _read_texture(path: Path, name: str) -> ByteImage:
    try:
        image = _decoded(read_image_bytes(path))
    except (DataError, cv2.error) as error:
        raise DataError(
            f"{name} is no picture that can be read; a folder of textures holds pictures alone "
            "(PNG, JPEG, WebP, …): repair the file or take it out "
            f"({str(error).replace(str(path), name)})"
        ) from error
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square: Any = image[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_LINEAR
    square = cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=method)
    return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)


def _decoded(data: bytes) -> ByteImage:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError("it is damaged")
    return np.asarray(image, np.uint8)
