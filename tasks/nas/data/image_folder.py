"""Images in folders, one a class, as torchvision's ``ImageFolder`` reads them.

``train/<class>/**`` and ``val/<class>/**`` (``valid``, ``validation``), or ``test``. Whatever lies
there is an image by its content, not by its name; texts beside the images are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.folders import files_below, is_clutter
from tasks.intake.images import FORMATS, decode_rgb, may_be_image, read_image_bytes
from tasks.intake.skips import MAX_SKIPPED_FRACTION
from tasks.nas.data.raw_images import (
    EncodedImage,
    LabelledImages,
    RawImages,
    decode_all,
    name_of,
    unread_split,
)

VAL_FOLDERS = ("val", "valid", "validation")
TEST_FOLDERS = (*VAL_FOLDERS, "test")
_LEAST_CLASSES = 2


def is_image_folder(folder: Path) -> bool:
    """Whether a folder looks like one: it has a folder ``train``."""
    return (folder / "train").is_dir()


def read_image_folder(
    folder: Path, side_px: int, max_skipped_fraction: float = MAX_SKIPPED_FRACTION
) -> RawImages:
    """Read all images of a folder into memory.

    Args:
        folder: Holds ``train``, and ``val`` (by any of its names) or ``test``.
        side_px: Side that images are brought to.
        max_skipped_fraction: Greatest part of a split that may be unusable, in [0, 1].

    Raises:
        DataError: A split is missing, too many images are unreadable, there are fewer than two
            classes, or the splits differ in their classes.
    """
    tests = [folder / name for name in TEST_FOLDERS if (folder / name).is_dir()]
    if not tests:
        raise DataError(f"{folder}: expected a folder val or test beside train")
    test, *unread = tests
    if side_px == 0:
        raise DataError(f"{folder}: set prepare.side_px, the size that all images are brought to")
    classes = _classes(folder / "train")
    if (others := _classes(test)) != classes:
        differing = sorted(set(classes) ^ set(others))
        raise DataError(f"{folder}: train and {test.name} differ in their classes: {differing[:5]}")
    train, test_split = (
        _read_split(split, classes, side_px, max_skipped_fraction)
        for split in (folder / "train", test)
    )
    return RawImages(
        name=name_of(folder),
        source=f"images of the folder {name_of(folder)}, brought to {side_px} px",
        classes=classes,
        train=train[0],
        test=test_split[0],
        skipped=(*train[1], *test_split[1], *(unread_split(s.name, test.name) for s in unread)),
    )


def _classes(split: Path) -> tuple[str, ...]:
    names = [p.name for p in split.iterdir() if p.is_dir() and not is_clutter(p.name)]
    if odd := [name for name in names if shown(name) != name]:
        raise DataError(f"{shown(split / odd[0])}: expected a class's name in UTF-8; rename it")
    root = split.parent.resolve()
    for path in (split, *(split / name for name in names)):
        real = path.resolve()
        if not real.is_relative_to(root) or (
            path != split and split.resolve().is_relative_to(real)
        ):
            raise DataError(
                f"{path} is a link out of the folder {split.parent}, or in a circle, which isn't "
                "followed; put the folder itself there"
            )
    if len(names) < _LEAST_CLASSES:
        raise DataError(
            f"{split}: expected a folder for each of two classes or more, found {len(names)}"
        )
    return tuple(sorted(names))


def _read_split(
    split: Path, classes: tuple[str, ...], side_px: int, max_skipped_fraction: float
) -> tuple[LabelledImages, tuple[Skipped, ...]]:
    images: list[EncodedImage] = []
    odd: list[Skipped] = []
    for label, name in enumerate(classes):
        files, other = files_below(split / name)
        odd += [
            Skipped(item_id=f"{split.name}/{name}/{each.item_id}", reason=each.reason)
            for each in other
            if may_be_image(each.item_id)
        ]
        paths = [path for path in files if may_be_image(path.name)]
        if not paths:
            raise _no_images(split / name)
        images += [
            EncodedImage(path.relative_to(split.parent).as_posix(), label, _decoder(path, split))
            for path in paths
        ]
    read = decode_all(images, side_px, f"images of {split.name}", max_skipped_fraction, odd)
    if emptied := sorted(set(range(len(classes))) - set(read[0].labels.tolist())):
        raise _no_images(split / classes[emptied[0]])
    return read


def _no_images(folder: Path) -> DataError:
    wanted = ", ".join(FORMATS)
    return DataError(f"{folder}: expected images ({wanted}), found none that can be read")


def _decoder(path: Path, split: Path) -> Callable[[], Image.Image]:
    """What decodes an image; it is called by its place in the folder, wherever that lies."""
    name = path.relative_to(split.parent).as_posix()

    def decode() -> Image.Image:
        try:
            return decode_rgb(read_image_bytes(path), name, upright=True)
        except DataError as error:
            raise DataError(str(error).replace(str(path), name)) from error

    return decode
