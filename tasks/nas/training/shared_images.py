"""The images that all trainings of one stage share, in the memory of a node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS
from tasks.core.ports import ArtifactStore, ItemFolder
from tasks.nas.data.raw_images import LabelledImages, shrink
from tasks.nas.manifests import ImageData, ImageSplit
from tasks.nas.training.standard import Standard

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, config=SETTINGS)
class SharedImages:
    """What the items of a stage are told of the images that they share.

    Attributes:
        images: The data; names, by their digests, what the shared arrays hold.
        device: ``cpu`` or ``gpu``.
    """

    images: ImageData
    device: str

    @property
    def standard(self) -> Standard:
        """How images are standardised."""
        return Standard(self.images.mean, self.images.std)


def shared_arrays(
    images: ImageData, sides_px: Iterable[int], store: ArtifactStore
) -> dict[str, npt.NDArray[np.generic]]:
    """Load a data set, and shrink it to each size that is asked for; see `shared_split`.

    Raises:
        DataError: A size does not divide that of the images.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for name in SPLITS:
        split: ImageSplit = getattr(images, name)
        pixels = np.load(store.fetch(split.images))
        arrays[f"{name}_labels"] = np.load(store.fetch(split.labels))
        for side_px in sorted(set(sides_px)):
            arrays[f"{name}_{side_px}"] = shrink(pixels, side_px)
    return arrays


def shared_split(folder: ItemFolder, name: SplitName, side_px: int) -> LabelledImages:
    """A split at a size, in the memory that the workers of a node share."""
    return LabelledImages(folder.array(f"{name}_{side_px}"), folder.array(f"{name}_labels"))
