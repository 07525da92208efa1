from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.graspgan.judging.manifests import TreesTask
from tasks.graspgan.judging.scoring import TREES, score_trees
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import SIDE_PX
from tests.support.graspgan.toy_sets import arrays_of, toy_set

SHARED = SharedCrops(num_pictures=1, side_px=SIDE_PX, device="cpu")


@pytest.mark.parametrize(("kind", "least"), [("mask", 0.95), ("contrast", 0.95), ("height", 0.95)])
def test_trees_are_told_what_their_kind_is_told(tmp_path: Path, kind: str, least: float) -> None:
    known, asked = toy_set(), toy_set("surrogate")
    arrays = arrays_of(known) | arrays_of(asked, seed=1)
    for name in ("bullet", "surrogate"):
        classes = arrays[f"{name}-train-labelled/classes"]
        arrays[f"{name}-train-labelled/heights_m"] = 0.02 * classes[..., 0].astype(np.float16)
    folder = ItemFolder(tmp_path, arrays)
    task = TreesTask(item_id=kind, kind=kind, trained_on=known, seed=0, asked=(asked,))
    score_trees(task, SHARED, folder)
    with np.load(tmp_path / "scores.npz") as said:
        scores = said["surrogate-train-labelled"]
    assert roc_auc_score(arrays["surrogate-train-labelled/success"], scores) > least


def test_poses_alone_know_nothing_here(tmp_path: Path) -> None:
    known, asked = toy_set(), toy_set("surrogate")
    folder = ItemFolder(tmp_path, arrays_of(known) | arrays_of(asked, seed=1))
    task = TreesTask(item_id="pose", kind="pose", trained_on=known, seed=0, asked=(asked,))
    score_trees(task, SHARED, folder)
    with np.load(tmp_path / "scores.npz") as said:
        scores = said["surrogate-train-labelled"]
    success = folder.array("surrogate-train-labelled/success")
    assert 0.2 < roc_auc_score(success, scores) < 0.8
    assert {*TREES} == {"pose", "mask", "height", "contrast"}
