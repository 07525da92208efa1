"""Asks predictors, and trees, about samples that they never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from tasks.core.ports import ItemFolder
from tasks.graspgan.controls.cells import contrast_cells, height_cells, mask_cells
from tasks.graspgan.controls.trees import tree_scores
from tasks.graspgan.judging.manifests import Scores, ScoreTask, TreesTask
from tasks.graspgan.manifests import CropSet, set_name
from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.manifests import Material
from tasks.graspgan.trainings.predictor_item import SharedCrops

_FILE: Final = "scores.npz"
FloatArray = npt.NDArray[np.float64]
_Read = Callable[[str], npt.NDArray[Any]]

TREES: Final[Mapping[str, Callable[[_Read], FloatArray]]] = {
    "pose": lambda read: read("motion").astype(np.float64),
    "mask": lambda read: mask_cells(read("classes")[..., 0]),
    "height": lambda read: height_cells(read("heights_m").astype(np.float64)),
    "contrast": lambda read: contrast_cells(read("plain_0")[..., :3]),
}
"""What trees are told besides the motion's numbers: nothing; what an oracle knows of objects or of
heights; colours of cells, without their brightness."""


def score_predictor(item: ScoreTask, shared: SharedCrops, folder: ItemFolder) -> Scores:
    """Ask a predictor about all samples of some sets."""
    import torch

    from tasks.graspgan.trainings.predicting import scores

    network = shared.network(standardises=item.predictor.standardises)
    path = folder.fetch(item.predictor.weights)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    pools, said = CropPools(folder), dict[str, FloatArray]()
    for crops in item.asked:
        pool = pools.pool(Material(crops=crops, looks=("cut" if crops.target else "plain",)))
        # Simulation is looked at by its own batch norms, unless it looks like the target.
        looks_like = crops.target or crops.world
        domain = item.predictor.domain if looks_like == item.predictor.target else 0
        said[set_name(crops)] = scores(network, pool, domain, shared.device)
    return _kept(item.item_id, said, folder)


def score_trees(item: TreesTask, shared: SharedCrops, folder: ItemFolder) -> Scores:  # noqa: ARG001
    """Train trees, and ask them about all samples of some sets."""

    def features(crops: CropSet) -> FloatArray:
        def read(name: str) -> npt.NDArray[Any]:
            return folder.array(f"{set_name(crops)}/{name}")

        return np.column_stack([TREES[item.kind](read), read("motion")])

    success = folder.array(f"{set_name(item.trained_on)}/success") > 0
    known = features(item.trained_on)
    said = {
        set_name(crops): tree_scores(known, success, features(crops), item.seed)
        for crops in item.asked
    }
    return _kept(item.item_id, said, folder)


def _kept(item_id: str, said: Mapping[str, FloatArray], folder: ItemFolder) -> Scores:
    np.savez(folder.path / _FILE, **cast("dict[str, Any]", dict(said)))
    return Scores(item_id=item_id, scores=folder.add(_FILE))
