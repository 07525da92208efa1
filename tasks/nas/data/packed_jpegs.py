"""Image sets packed into few files: JPEGs one behind the other, and an index.

``<split>_0.jpegs``, ``<split>_1.jpegs``, … hold the JPEG files of a split, glued together;
``<split>_index.npz`` holds ``offset`` (n + 1,) of each file in the whole, ``label`` (n,) and
``shard_items`` (images of each file). ``meta.json`` or ``classes.json`` names the classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tasks.core.errors import DataError
from tasks.core.files import read_bytes
from tasks.intake.arrays import read_npz
from tasks.intake.documents import read_json
from tasks.intake.images import decode_rgb
from tasks.intake.memory import check_room

_MAX_INDEX_BYTES = 2_000_000_000
_MAX_NAMES_BYTES = 50_000_000
_MAX_CLASSES = 1_000_000


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
        offsets, labels, num_shards = _index(path)
        num_bytes = int(offsets[-1])
        check_room(2 * num_bytes, f"{folder}: the images of split {name!r}")
        shards = (folder / f"{name}_{number}.jpegs" for number in range(num_shards))
        data = b"".join(_shard(shard, num_bytes) for shard in shards)
        if len(data) != num_bytes:
            raise DataError(
                f"{folder}: the files of split {name!r} hold {len(data)} bytes; expected "
                f"{num_bytes} for the {len(labels)} images of {path.name}: copy the folder again"
            )
        return cls(folder, name, offsets, labels, data)

    def images(self) -> Iterator[Image.Image]:
        """All images, decoded, RGB.

        Raises:
            DataError: One is no image; says which.
        """
        for index in range(len(self.labels)):
            yield self.image(index)

    def image(self, index: int) -> Image.Image:
        """One image, decoded, RGB.

        Raises:
            DataError: It is no image; says which.
        """
        data = self.data[self.offsets[index] : self.offsets[index + 1]]
        try:
            return decode_rgb(data, f"image {index}", upright=True)
        except DataError as error:
            raise DataError(
                f"image {index} of split {self.name!r} can't be decoded: {error}"
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
            names = _names(folder / name)
            if len(names) < num_classes:
                raise DataError(
                    f"{folder / name}: expected {num_classes} classes, as the labels say, "
                    f"found {len(names)}"
                )
            return names
    return tuple(str(number) for number in range(num_classes))


def _names(path: Path) -> tuple[str, ...]:
    """Class names of ``{"names": […]}``, ``{"classes": […]}`` or a bare list."""
    document = read_json(path, _MAX_NAMES_BYTES, "class names as JSON")
    if isinstance(document, dict):
        document = document.get("names") or document.get("classes") or ()
    if not isinstance(document, list | tuple) or not all(
        isinstance(name, str | int | float) for name in document
    ):
        raise DataError(f'{path}: expected a list of class names, or {{"names": [...]}} around it')
    return tuple(str(name) for name in document)


def _index(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Offsets, labels and number of shards.

    Raises:
        DataError: The file is no index, or one that can't be true.
    """
    try:
        arrays = read_npz(path, ("offset", "label", "shard_items"), _MAX_INDEX_BYTES)
    except DataError as error:
        raise DataError(f"{path}: expected offset, label and shard_items: {error}") from error
    offsets, labels = arrays["offset"], arrays["label"]
    if any(each.ndim != 1 or each.dtype.kind not in "iu" for each in arrays.values()):
        raise DataError(f"{path}: expected rows of whole numbers in offset, label and shard_items")
    if len(offsets) != len(labels) + 1 or offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
        raise DataError(
            f"{path}: expected {len(labels) + 1} offsets that begin at 0 and rise, for "
            f"{len(labels)} labels"
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < _MAX_CLASSES:
        raise DataError(
            f"{path}: expected labels from 0 to {_MAX_CLASSES - 1:,}, got "
            f"{labels.min()} to {labels.max()}"
        )
    return offsets.astype(np.int64), labels.astype(np.int64), len(arrays["shard_items"])


def _shard(path: Path, max_bytes: int) -> bytes:
    try:
        return read_bytes(path, max_bytes, "packed JPEGs")
    except DataError as error:
        raise DataError(
            f"{path} is missing or unreadable ({error}): copy the folder again"
        ) from error
