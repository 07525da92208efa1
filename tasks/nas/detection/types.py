"""Values of detection: images with the objects in them, and what a detector says of them.

Boxes are (x0, y0, x1, y1) in pixels of the square image, x to the right, y down; a box that covers
the first pixel alone is (0, 0, 1, 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tasks.core.ports import Skipped

Boxes = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Objects:
    """Objects of one image.

    Attributes:
        boxes: float32 (num_objects, 4), px.
        labels: int64 (num_objects,), position in the list of classes, from 0.
        is_crowd: bool (num_objects,); a box around a crowd is no target of training, and a
            detection inside it is neither right nor wrong.
    """

    boxes: Boxes
    labels: Labels
    is_crowd: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.labels)

    @classmethod
    def of(cls, boxes: Sequence[Sequence[float]], labels: Sequence[int]) -> Objects:
        """Objects that are no crowds."""
        return cls(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(labels, np.int64),
            np.zeros(len(labels), bool),
        )


@dataclass(frozen=True)
class AnnotatedImages:
    """Square images of one size with their objects.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        images: uint8 (num_images, side, side, 3), RGB; may be mapped from a file.
        boxes: float32 (num_objects, 4), px; those of one image stand together, in its order.
        labels: int64 (num_objects,).
        is_crowd: bool (num_objects,).
        owners: int64 (num_objects,), ascending: the image that an object is in.
        skipped: What can't be used of the data set, and why: images; annotations of none.
        num_small: Objects of its images that are left out, because they are too small to be seen.
    """

    classes: tuple[str, ...]
    images: npt.NDArray[np.uint8]
    boxes: Boxes
    labels: Labels
    is_crowd: npt.NDArray[np.bool_]
    owners: Labels
    skipped: tuple[Skipped, ...] = ()
    num_small: int = 0

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def side_px(self) -> int:
        """Side of the images."""
        return int(self.images.shape[1])

    def objects(self, index: int) -> Objects:
        """Objects of an image."""
        part = slice(self._starts[index], self._starts[index + 1])
        return Objects(self.boxes[part], self.labels[part], self.is_crowd[part])

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.uint8], Objects]]:
        """Each image with its objects."""
        for index in range(len(self)):
            yield self.images[index], self.objects(index)

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        images: npt.NDArray[np.uint8],
        objects: Sequence[Objects],
    ) -> AnnotatedImages:
        """Put images and their objects together."""
        return cls(
            classes=tuple(classes),
            images=images,
            boxes=np.concatenate([np.zeros((0, 4), np.float32), *(o.boxes for o in objects)]),
            labels=np.concatenate([np.zeros(0, np.int64), *(o.labels for o in objects)]),
            is_crowd=np.concatenate([np.zeros(0, bool), *(o.is_crowd for o in objects)]),
            owners=np.repeat(np.arange(len(objects)), [len(o) for o in objects]),
        )

    @cached_property
    def _starts(self) -> Labels:
        return np.searchsorted(self.owners, np.arange(len(self) + 1))


@dataclass(frozen=True)
class Detections:
    """What a detector says of one image.

    Attributes:
        boxes: float32 (num_detections, 4), px.
        labels: int64 (num_detections,), from 0.
        scores: float32 (num_detections,), in [0, 1], the highest first.
    """

    boxes: Boxes
    labels: Labels
    scores: npt.NDArray[np.float32]
