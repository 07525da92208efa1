"""Reads a data set from wherever a user keeps it, and deals it out to splits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.outside.copies import path_of
from tasks.intake.skips import MAX_SKIPPED_FRACTION
from tasks.nas.data.cifar import CifarName, download_cifar, is_cifar, read_cifar
from tasks.nas.data.image_folder import VAL_FOLDERS, is_image_folder, read_image_folder
from tasks.nas.data.packed_jpegs import PackedSplit, class_names, is_packed
from tasks.nas.data.raw_images import (
    EncodedImage,
    LabelledImages,
    RawImages,
    decode_all,
    name_of,
    unread_split,
)

CACHE = Path("~/.cache/orrery")
_PACKED_TEST = ("test", *VAL_FOLDERS)


@dataclass(frozen=True)
class Splits:
    """A data set for training.

    Attributes:
        train: Trained on; any prefix is nearly balanced between classes, and so in all splits.
        validation: Chosen by.
        test: Reported on.
    """

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages


def read_images(
    data: str,
    name: CifarName,
    side_px: int,
    max_skipped_fraction: float = MAX_SKIPPED_FRACTION,
) -> RawImages:
    """Read a data set.

    Args:
        data: Folder: CIFAR's unpacked archive, packed JPEGs, or a folder for each class; empty:
            CIFAR is fetched.
        name: Which CIFAR, where it matters.
        side_px: Side that images are brought to; 0: they keep their size.
        max_skipped_fraction: Greatest part of a split that may be unusable, in [0, 1].

    Raises:
        DataError: The folder is of no known form, or something in it can't be used.
        ResourceError: CIFAR can't be fetched.
    """
    folder = path_of(data, "prepare.data") if data else None
    if folder is None:
        return read_cifar(download_cifar(CACHE.expanduser(), name), name)
    if not folder.is_dir():
        raise DataError(f"prepare.data: expected a folder, found none at {shown(folder)}")
    if is_packed(folder):
        return _read_packed(folder, side_px, max_skipped_fraction)
    if is_cifar(folder, name):
        return read_cifar(folder, name)
    if is_image_folder(folder):
        return read_image_folder(folder, side_px, max_skipped_fraction)
    raise DataError(
        f"{folder}: expected cifar-10-batches-py or cifar-100-python, packed JPEGs "
        "(train_index.npz), or a folder train with a folder for each class"
    )


def deal(raw: RawImages, num_validation: int, rng: np.random.Generator) -> Splits:
    """Cut the validation split off the training images, and order all splits.

    Raises:
        DataError: There are not more training images than are cut off.
    """
    if num_validation >= len(raw.train):
        raise DataError(
            f"{raw.name} has {len(raw.train)} training images: prepare.num_validation takes "
            f"{num_validation} of them; lower it"
        )
    train = raw.train[balanced_order(raw.train.labels, rng)]
    test = raw.test[balanced_order(raw.test.labels, rng)]
    return Splits(train[num_validation:], train[:num_validation], test)


def balanced_order(
    labels: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Order in which classes take turns; within a class and a turn chance decides.

    Args:
        labels: (n,).
        rng: Source of chance.

    Returns:
        Indices, (n,).
    """
    order = rng.permutation(len(labels))
    turns = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        of_class = labels[order] == label
        turns[of_class] = np.arange(of_class.sum())
    ordered: npt.NDArray[np.int64] = order[np.argsort(turns, kind="stable")]
    return ordered


def _read_packed(folder: Path, side_px: int, max_skipped_fraction: float) -> RawImages:
    tests = [name for name in _PACKED_TEST if (folder / f"{name}_index.npz").is_file()]
    if not tests:
        raise DataError(f"{folder}: expected test_index.npz or val_index.npz beside the training")
    test, *unread = tests
    splits: list[LabelledImages] = []
    skipped = [unread_split(name, test) for name in unread]
    for name in ("train", test):
        packed = PackedSplit.read(folder, name)
        images = [
            EncodedImage(f"{name} {index}", label, partial(packed.image, index))
            for index, label in enumerate(packed.labels.tolist())
        ]
        split, odd = decode_all(images, side_px, f"images of {name}", max_skipped_fraction)
        splits.append(split)
        skipped += odd
    train, tested = splits
    classes = class_names(folder, int(max(train.labels.max(), tested.labels.max())) + 1)
    title = name_of(folder)
    source = f"{title}: JPEG files, lossy, {len(train):,} + {len(tested):,} images"
    return RawImages(title, source, classes, train, tested, tuple(skipped))
