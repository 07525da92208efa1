"""What all detectors of one stage have in common, and the arrays that they share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.core.ports import ArtifactStore, ItemFolder
from tasks.nas.detection.types import AnnotatedImages
from tasks.nas.transfer_manifests import BoxData, BoxSplit

BoxSplitName = Literal["train", "test"]
_OBJECTS = ("boxes", "labels", "is_crowd", "owners")


@dataclass(frozen=True, config=SETTINGS)
class DetectionSettings:
    """What the items of a stage receive.

    Attributes:
        boxes: The data; names, by their digests, what the shared arrays hold.
        device: ``cpu`` or ``gpu``.
    """

    boxes: BoxData
    device: str

    @property
    def torch_device(self) -> str:
        """What torch calls the device."""
        return "cuda" if self.device == "gpu" else "cpu"


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
    parts = {part: folder.array(f"{name}_{part}") for part in ("images", *_OBJECTS)}
    return AnnotatedImages(classes=boxes.classes, **parts)
