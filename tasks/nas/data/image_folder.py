"""Images in folders, one a class, as torchvision's ``ImageFolder`` reads them.

``train/<class>/*.jpg`` and ``val/<class>/*.jpg`` (or ``test``); PNG and others alike.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.folders import files_below
from tasks.intake.images import decode_rgb, read_image_bytes
from tasks.nas.data.raw_images import EncodedImage, LabelledImages, RawImages, decode_all, name_of

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
    train, test_split = (_read_split(split, classes, side_px) for split in (folder / "train", test))
    return RawImages(
        name=name_of(folder),
        source=f"images of the folder {name_of(folder)}, brought to {side_px} px",
        classes=classes,
        train=train[0],
        test=test_split[0],
        skipped=train[1] + test_split[1],
    )


def _classes(split: Path) -> tuple[str, ...]:
    names = [p.name for p in split.iterdir() if p.is_dir() and not p.name.startswith(".")]
    if odd := [name for name in names if shown(name) != name]:
        raise DataError(f"{shown(split / odd[0])}: expected a class's name in UTF-8; rename it")
    root = split.parent.resolve()
    for path in (split, *(split / name for name in names)):
        if not path.resolve().is_relative_to(root):
            raise DataError(
                f"{path} is a link out of the folder {split.parent}, which isn't followed; put the "
                "folder itself there"
            )
    if len(names) < _LEAST_CLASSES:
        raise DataError(
            f"{split}: expected a folder for each of two classes or more, found {len(names)}"
        )
    return tuple(sorted(names))


def _read_split(
    split: Path, classes: tuple[str, ...], side_px: int
) -> tuple[LabelledImages, tuple[Skipped, ...]]:
    images: list[EncodedImage] = []
    odd: list[Skipped] = []
    for label, name in enumerate(classes):
        files, other = files_below(split / name)
        paths = [p for p in files if p.parent == split / name and _is_image(p.name)]
        odd += [
            Skipped(item_id=f"{split.name}/{name}/{each.item_id}", reason=each.reason)
            for each in other
            if _is_image(each.item_id)
        ]
        if not paths:
            raise DataError(f"{split / name}: expected images ({', '.join(SUFFIXES)}), found none")
        images += [
            EncodedImage(f"{split.name}/{name}/{path.name}", label, _decoder(path, split.parent))
            for path in paths
        ]
    return decode_all(images, side_px, f"images of {split.name}", odd)


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _decoder(path: Path, folder: Path) -> Callable[[], Image.Image]:
    """What decodes an image; it is called by its place in the folder, wherever that lies."""
    name = path.relative_to(folder).as_posix()

    def decode() -> Image.Image:
        try:
            return decode_rgb(read_image_bytes(path), name)
        except DataError as error:
            raise DataError(str(error).replace(str(path), name)) from error

    return decode
