"""The images with boxes that all detectors of one stage share, in the memory of a node."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.core.ports import ArtifactStore, ItemFolder
from tasks.nas.detection.manifests import BoxData, BoxSplit
from tasks.nas.detection.types import AnnotatedImages

BoxSplitName = Literal["train", "test"]
_OBJECTS = ("boxes", "labels", "is_crowd", "owners")


@dataclass(frozen=True, config=SETTINGS)
class SharedBoxes:
    """What the items of a stage are told of the images that they share.

    Attributes:
        boxes: The data; names, by their digests, what the shared arrays hold.
        device: ``cpu`` or ``gpu``.
    """

    boxes: BoxData
    device: str


def shared_box_arrays(boxes: BoxData, store: ArtifactStore) -> dict[str, npt.NDArray[np.generic]]:
    """Load a data set; see `shared_boxes`."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    splits: dict[BoxSplitName, BoxSplit] = {"train": boxes.train, "test": boxes.test}
    for name, split in splits.items():
        arrays[f"{name}_images"] = np.load(store.fetch(split.images))
        with np.load(store.fetch(split.objects)) as objects:
            arrays |= {f"{name}_{part}": objects[part] for part in _OBJECTS}
    return arrays


def shared_boxes(folder: ItemFolder, boxes: BoxData, name: BoxSplitName) -> AnnotatedImages:
    """A split, in the memory that the workers of a node share."""
    parts: dict[str, Any] = {part: folder.array(f"{name}_{part}") for part in ("images", *_OBJECTS)}
    return AnnotatedImages(classes=boxes.classes, **parts)
