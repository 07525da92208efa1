"""Images as a reader found them: square, RGB, in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from tasks.core.errors import DataError

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels.

    Attributes:
        pixels: (n, side, side, 3), RGB.
        labels: (n,).
    """

    pixels: Pixels
    labels: Labels

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def __getitem__(self, index: slice | npt.NDArray[np.int64]) -> LabelledImages:
        """Some of the images."""
        return LabelledImages(self.pixels[index], self.labels[index])


@dataclass(frozen=True)
class RawImages:
    """A data set as it was read.

    Attributes:
        name: What it is called.
        source: Where it comes from, for reports.
        classes: Names in the order of the labels.
        train: Images to train on and to cut a validation split from.
        test: Images to report on.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages


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
