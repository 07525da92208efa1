"""The crops that all trainings of a stage share, in the memory of a node, as pools.

Arrays are shared under the name of their set, a slash and their own name; see
`tasks.graspgan.samples.reading.read_crops`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.core.ports import ArtifactStore, ItemFolder
from tasks.graspgan.controls.colours import with_colours_of
from tasks.graspgan.manifests import CropSet, Prepared, set_name
from tasks.graspgan.samples.pools import ByteArray, Pool
from tasks.graspgan.trainings.manifests import Material

Arrays = Mapping[str, npt.NDArray[Any]]


def shared_crops(
    prepared: Prepared, sets: Iterable[CropSet], store: ArtifactStore
) -> dict[str, npt.NDArray[Any]]:
    """Load sets, shard after shard; stations as numbers."""
    shared: dict[str, npt.NDArray[Any]] = {}
    for crops in sets:
        parts = [_loaded(store, file.arrays) for file in crops.files]
        for name in parts[0]:
            whole = np.concatenate([part[name] for part in parts])
            if name.endswith("station"):
                known = prepared.stations[crops.world if name == "station" else crops.target]
                whole = np.searchsorted(known, whole).astype(np.int64)
            shared[f"{set_name(crops)}/{name}"] = whole
    return shared


def _loaded(store: ArtifactStore, file: Any) -> dict[str, npt.NDArray[Any]]:
    with np.load(store.fetch(file)) as found:
        return {name: found[name] for name in found.files}


@dataclass(frozen=True)
class CropPools:
    """Pools of the sets that an item's stage shares.

    Attributes:
        folder: The item's.
    """

    folder: ItemFolder

    def pool(self, material: Material) -> Pool:
        """The samples of a material, with labels where its set has them."""
        crops = material.crops
        name = set_name(crops)
        return Pool(
            pictures=self._pictures(material),
            motion=self.folder.array(f"{name}/motion"),
            station=self.folder.array(f"{name}/station"),
            success=self.folder.array(f"{name}/success") if crops.has_labels else None,
            classes=self.folder.array(f"{name}/classes") if crops.has_labels else None,
            heights_m=self.folder.array(f"{name}/heights_m") if crops.has_heights else None,
            mirrors=crops.network == "crop",
        )

    def painted(self, material: Material) -> Pool:
        """The samples in the look ``cut``, with the stations whose textures they show."""
        crops = material.crops
        stations = tuple(
            self.folder.array(f"{set_name(crops)}/cut_{variant}_station")
            for variant in range(crops.num_looks["cut"])
        )
        return replace(self.pool(material), painted=stations)

    def some_scenes(self, material: Material, share: float, seed: int) -> Pool:
        """A share of a material's samples, of whole scenes that are drawn by chance."""
        scenes = self.folder.array(f"{set_name(material.crops)}/scene_id")
        names = np.unique(scenes)
        num = max(1, round(share * len(names)))
        drawn = np.random.default_rng(seed).permutation(names)[:num]
        return self.pool(material).taken(np.flatnonzero(np.isin(scenes, drawn)))

    def _pictures(self, material: Material) -> tuple[ByteArray, ...]:
        if material.adapted is not None:
            with np.load(self.folder.fetch(material.adapted)) as found:
                return tuple(found[name] for name in sorted(found.files))
        crops = material.crops
        looks = tuple(
            self.folder.array(f"{set_name(crops)}/{look}_{variant}")
            for look in material.looks
            for variant in range(crops.num_looks[look])
        )
        if material.gives_colours is None:
            return looks
        target = self.pool(Material(crops=material.gives_colours, looks=("plain",)))
        return tuple(
            with_colours_of(each, target.pictures[0], target.station, number)
            for number, each in enumerate(looks)
        )
