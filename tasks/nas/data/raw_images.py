"""Images as a reader found them: square, RGB, in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.memory import check_room
from tasks.intake.skips import check_few
from tasks.nas.data.photos import Photos, name_photos

_LONGEST = 100  # times the shorter side: a strip would be resized to no end

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels.

    Attributes:
        pixels: (n, side, side, 3), RGB.
        labels: (n,).
        photos: (n, 32), what `name_photos` calls each image as it was before it was brought to a
            size; None: the pixels are as they came.
    """

    pixels: Pixels
    labels: Labels
    photos: Photos | None = None

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def __getitem__(self, index: slice | npt.NDArray[np.int64]) -> LabelledImages:
        """Some of the images."""
        photos = None if self.photos is None else self.photos[index]
        return LabelledImages(self.pixels[index], self.labels[index], photos)


@dataclass(frozen=True)
class RawImages:
    """A data set as it was read.

    Attributes:
        name: What it is called.
        source: Where it comes from, for reports.
        classes: Names in the order of the labels.
        train: Images to train on and to cut a validation split from.
        test: Images to report on.
        skipped: Images that can't be used.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class EncodedImage:
    """An image that is yet to be decoded.

    Attributes:
        name: What it is called in its data set.
        label: Its class.
        decode: Gives the image, RGB; raises `DataError` where it can't be used.
    """

    name: str
    label: int
    decode: Callable[[], Image.Image]


def name_of(folder: Path) -> str:
    """What a folder's data set is called: files, metrics and models are named after it."""
    return re.sub(r"[^\w. -]", "_", shown(folder.name))[:100] or "data"


def unread_split(name: str, test: str) -> Skipped:
    """A split that is not read, because another is what networks are tested on."""
    reason = f"the whole split is left alone: {test} is what networks are tested on"
    return Skipped(item_id=name, reason=reason)


def decode_all(
    images: Sequence[EncodedImage],
    side_px: int,
    what: str,
    max_skipped_fraction: float,
    odd: Sequence[Skipped] = (),
) -> tuple[LabelledImages, tuple[Skipped, ...]]:
    """Decode the images of a split and bring them to squares; a few may be unusable.

    Args:
        images: The split.
        side_px: See `square`.
        what: What they are, for messages.
        max_skipped_fraction: Greatest part of them that may be unusable, in [0, 1].
        odd: What is no image to begin with.

    Returns:
        The images; and what was left out, with the reasons.

    Raises:
        DataError: None can be used, or too many can't; where no size was asked for, also those
            that differ from the first.
        ResourceError: They don't fit into memory.
    """
    labels: list[int] = []
    photos: list[Photos] = []
    skipped = list(odd)

    def decoded() -> Iterator[Image.Image]:
        side = side_px
        for each in images:
            try:
                image = each.decode()
                side = side or min(image.size)
                _check_shape(image, each.name, 0 if side_px else side)
            except DataError as error:
                skipped.append(Skipped(item_id=each.name, reason=str(error)))
                continue
            check_room(2 * len(images) * side**2 * 3, f"{len(images):,} {what}")
            labels.append(each.label)
            photos.append(name_photos([np.asarray(image, np.uint8)]))
            yield image
        check_few(skipped, len(images) + len(odd), what, max_skipped_fraction)

    pixels = stack(decoded(), side_px)
    found = LabelledImages(pixels, np.array(labels, np.int64), np.concatenate(photos))
    return found, tuple(skipped)


def square(image: Image.Image, side_px: int) -> Pixels:
    """Bring an image to a square: its shorter side is resized, the middle kept.

    Args:
        image: RGB.
        side_px: Side of the square; 0 keeps an image that is square already.

    Returns:
        (side, side, 3), uint8.

    Raises:
        DataError: The size is to be kept, and the image is not square.
    """
    width, height = image.size
    if side_px == 0 and width != height:
        raise DataError(
            f"an image of {width} x {height} px is not square: set the size that all are brought to"
        )
    if side_px not in (0, width) or width != height:
        scale = side_px / min(width, height)
        size = max(side_px, round(width * scale)), max(side_px, round(height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
        left, top = (size[0] - side_px) // 2, (size[1] - side_px) // 2
        image = image.crop((left, top, left + side_px, top + side_px))
    return np.asarray(image, np.uint8)


def stack(images: Iterable[Image.Image], side_px: int) -> Pixels:
    """Bring images to squares of one size.

    Raises:
        DataError: There are none, or they differ in size and no size was asked for.
    """
    squares = [square(image, side_px) for image in images]
    sides = {len(each) for each in squares}
    if len(sides) != 1:
        found = f"sides of {sorted(sides)} px" if sides else "none"
        raise DataError(f"expected images of one size, found {found}: set the size")
    return np.stack(squares)


def _check_shape(image: Image.Image, name: str, side_px: int) -> None:
    """Raise unless an image can be brought to a size, or has the one that is kept."""
    if side_px and image.size != (side_px, side_px):
        raise DataError(
            f"{name}: expected {side_px} x {side_px} px as the first image has, got "
            f"{image.width} x {image.height}: set the size that all are brought to (side_px)"
        )
    if max(image.size) > _LONGEST * min(image.size):
        raise DataError(
            f"{name}: expected an image whose longer side is at most {_LONGEST} times the shorter, "
            f"got {image.width} x {image.height} px"
        )


def shrink(pixels: Pixels, side_px: int) -> Pixels:
    """Make images smaller by averaging whole blocks of pixels.

    Args:
        pixels: (n, side, side, 3).
        side_px: Wanted side; divides the present one.

    Raises:
        DataError: It doesn't.
    """
    num, side = pixels.shape[:2]
    if side_px == side:
        return pixels
    if side_px < 1 or side % side_px:
        raise DataError(
            f"images of {side} px can't be shrunk to {side_px} px by whole blocks; choose a size "
            f"that divides {side}"
        )
    factor = side // side_px
    blocks = pixels.reshape(num, side_px, factor, side_px, factor, 3)
    sums = blocks.sum(axis=(2, 4), dtype=np.uint32)
    shrunk: Pixels = ((sums + factor**2 // 2) // factor**2).astype(np.uint8)
    return shrunk
