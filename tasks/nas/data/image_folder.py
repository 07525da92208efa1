"""Images in folders, one a class, as torchvision's ``ImageFolder`` reads them.

``train/<class>/*.jpg`` and ``val/<class>/*.jpg`` (or ``test``); PNG and others alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tasks.core.errors import DataError
from tasks.nas.data.raw_images import LabelledImages, Pixels, RawImages, square

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
TEST_FOLDERS = ("val", "test")
_LEAST_CLASSES = 2


def is_image_folder(folder: Path) -> bool:
    """Whether a folder looks like one: it has a folder ``train``."""
    return (folder / "train").is_dir()


def read_image_folder(folder: Path, side_px: int) -> RawImages:
    """Read all images of a folder into memory.

    Args:
        folder: Holds ``train`` and ``val`` or ``test``.
        side_px: Side that images are brought to.

    Raises:
        DataError: A split or an image is missing or unreadable, there are fewer than two classes,
            or the splits differ in their classes.
    """
    test = next((folder / name for name in TEST_FOLDERS if (folder / name).is_dir()), None)
    if test is None:
        raise DataError(f"{folder}: expected a folder {' or '.join(TEST_FOLDERS)} beside train")
    if side_px == 0:
        raise DataError(f"{folder}: set prepare.side_px, the size that all images are brought to")
    classes = _classes(folder / "train")
    if (others := _classes(test)) != classes:
        differing = sorted(set(classes) ^ set(others))
        raise DataError(f"{folder}: train and {test.name} differ in their classes: {differing[:5]}")
    return RawImages(
        name=folder.name,
        source=f"images of the folder {folder.name}, brought to {side_px} px",
        classes=classes,
        train=_read_split(folder / "train", classes, side_px),
        test=_read_split(test, classes, side_px),
    )


def _classes(split: Path) -> tuple[str, ...]:
    classes = tuple(sorted(path.name for path in split.iterdir() if path.is_dir()))
    if len(classes) < _LEAST_CLASSES:
        raise DataError(
            f"{split}: expected a folder for each of two classes or more, found {len(classes)}"
        )
    return classes


def _read_split(split: Path, classes: tuple[str, ...], side_px: int) -> LabelledImages:
    pixels: list[Pixels] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        paths = sorted(p for p in (split / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if not paths:
            raise DataError(f"{split / name}: expected images ({', '.join(SUFFIXES)}), found none")
        pixels += [_read(path, side_px) for path in paths]
        labels += [label] * len(paths)
    return LabelledImages(np.stack(pixels), np.array(labels, np.int64))


def _read(path: Path, side_px: int) -> Pixels:
    try:
        with Image.open(path) as image:
            return square(image.convert("RGB"), side_px)
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{path} is no image that can be read: {error}") from error
