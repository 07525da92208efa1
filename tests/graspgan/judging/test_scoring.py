from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tasks.graspgan.judging.manifests import ScoreTask, TreesTask
from tasks.graspgan.judging.scoring import TREES, score_predictor, score_trees
from tasks.graspgan.manifests import set_name
from tasks.graspgan.networks.domains import TARGET
from tasks.graspgan.trainings.manifests import TrainedPredictor
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import SIDE_PX
from tests.support.graspgan.toy_sets import NUM, arrays_of, toy_set

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


def test_what_looks_like_the_target_is_seen_by_its_norms(tmp_path: Path) -> None:
    """The target, and simulation in its textures; simulation as it is, by its own."""
    torch.manual_seed(0)
    network = SHARED.network(standardises=False)
    for name, value in network.state_dict().items():
        if name.endswith("norms.1.running_var"):
            value.fill_(0.01)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    plain, target = toy_set(num_looks=1), toy_set("surrogate", num_looks=1)
    painted = plain.model_copy(update={"target": "surrogate", "num_looks": {"cut": 1}})
    arrays = arrays_of(plain)
    for name in ("motion", "station", "success", "classes"):
        for crops in (target, painted):
            arrays[f"{set_name(crops)}/{name}"] = arrays[f"{set_name(plain)}/{name}"]
    arrays[f"{set_name(target)}/plain_0"] = arrays[f"{set_name(plain)}/plain_0"]
    arrays[f"{set_name(painted)}/cut_0"] = arrays[f"{set_name(plain)}/plain_0"]
    arrays[f"{set_name(painted)}/heights_m"] = np.zeros((NUM, SIDE_PX, SIDE_PX), np.float16)
    folder = ItemFolder(tmp_path, arrays)
    predictor = TrainedPredictor(
        item_id="dann-surrogate-s0", method="dann", target="surrogate", seed=0, domain=TARGET,
        weights=folder.add("weights.pt"), validation_auc=0.5, curve=(), num_labels=0, cpu_s=0.0,
        standardises=False,
    )  # fmt: skip
    sets = plain, target, painted
    task = ScoreTask(item_id="a", predictor=predictor, asked=sets)
    score_predictor(task, SHARED, folder)
    with np.load(tmp_path / "scores.npz") as said:
        found = [said[set_name(each)] for each in sets]
    assert np.allclose(found[1], found[2])
    assert not np.allclose(found[0], found[1])


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
