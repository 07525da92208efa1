"""Image sets packed into few files: JPEGs one behind the other, and an index.

``<split>_0.jpegs``, ``<split>_1.jpegs``, … hold the JPEG files of a split, glued together;
``<split>_index.npz`` holds ``offset`` (n + 1,) of each file in the whole, ``label`` (n,) and
``shard_items`` (images of each file). ``meta.json`` or ``classes.json`` names the classes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tasks.core.errors import DataError


@dataclass(frozen=True)
class PackedSplit:
    """One split of a packed set.

    Attributes:
        folder: Where it lies.
        name: Name of the split.
        offsets: Where each JPEG begins and the last one ends, (n + 1,).
        labels: (n,), int64.
        data: All JPEGs.
    """

    folder: Path
    name: str
    offsets: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    data: bytes

    @classmethod
    def read(cls, folder: Path, name: str) -> PackedSplit:
        """Read a split whole.

        Raises:
            DataError: A file is missing, cut short or no index.
        """
        path = folder / f"{name}_index.npz"
        try:
            with np.load(path) as index:
                offsets, labels = index["offset"].astype(np.int64), index["label"].astype(np.int64)
                num_shards = len(index["shard_items"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: expected offset, label and shard_items: {error}") from error
        data = b"".join(_shard(folder / f"{name}_{number}.jpegs") for number in range(num_shards))
        if len(offsets) != len(labels) + 1 or len(data) != offsets[-1]:
            raise DataError(
                f"{folder}: the files of split {name!r} hold {len(data)} bytes; expected "
                f"{offsets[-1]} for the {len(labels)} images of {path.name}: copy the folder again"
            )
        return cls(folder, name, offsets, labels, data)

    def images(self) -> Iterator[Image.Image]:
        """All images, decoded, RGB.

        Raises:
            DataError: One is no image; says which.
        """
        for index, (begin, end) in enumerate(zip(self.offsets, self.offsets[1:], strict=False)):
            try:
                yield Image.open(io.BytesIO(self.data[begin:end])).convert("RGB")
            except (UnidentifiedImageError, OSError) as error:
                raise DataError(
                    f"{self.folder}: image {index} of split {self.name!r} can't be decoded: {error}"
                ) from error


def is_packed(folder: Path) -> bool:
    """Whether a folder holds a packed set."""
    return (folder / "train_index.npz").is_file()


def class_names(folder: Path, num_classes: int) -> tuple[str, ...]:
    """Names of the classes, in the order of their labels; numbers where no file names them.

    Raises:
        DataError: A file names fewer classes than there are labels.
    """
    for name in ("meta.json", "classes.json"):
        if (folder / name).is_file():
            names = _names(json.loads((folder / name).read_text("utf-8")))
            if len(names) < num_classes:
                raise DataError(
                    f"{folder / name}: expected {num_classes} classes, as the labels say, "
                    f"found {len(names)}"
                )
            return names
    return tuple(str(number) for number in range(num_classes))


def _names(document: Any) -> tuple[str, ...]:
    """Class names of ``{"names": […]}``, ``{"classes": […]}`` or a bare list."""
    if isinstance(document, dict):
        document = document.get("names") or document.get("classes") or ()
    return tuple(str(name) for name in document)


def _shard(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} is missing or unreadable: copy the folder again") from error
