from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.core.config import config_json
from tasks.graspgan.networks.domains import SOURCE, TARGET
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.graspgan.trainings.crop_pools import set_name
from tasks.graspgan.trainings.manifests import Material, PredictorTask
from tasks.graspgan.trainings.predictor_item import SharedCrops, train_c
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import SIDE_PX
from tests.support.graspgan.toy_sets import arrays_of, toy_set

SHARED = SharedCrops(num_pictures=1, side_px=SIDE_PX, device="cpu")
SIMULATION = toy_set()
LABELLED, UNLABELLED = toy_set("surrogate"), toy_set("surrogate", has_labels=False)
DESCENT = config_json(DescentConfig(num_steps=4, batch_size=8, num_points=2))


def task(**changes: object) -> PredictorTask:
    material = Material(crops=SIMULATION, looks=("plain",))
    values: dict[str, object] = {
        "item_id": "randomised-surrogate-s0",
        "method": "randomised",
        "target": "surrogate",
        "seed": 0,
        "labelled": (material,),
        "unlabelled": None,
        "validation": (material,),
        "domain": SOURCE,
        "label_share": 0.0,
        "initial": None,
        "standardises": False,
        "descent": DESCENT,
        "adversary": None,
        "adapts_norms": False,
    }
    return PredictorTask(**(values | changes))


@pytest.fixture
def folder(tmp_path: Path) -> ItemFolder:
    arrays = arrays_of(SIMULATION)
    for crops in (LABELLED, UNLABELLED):
        arrays |= arrays_of(crops, seed=1, brightness=120)
    return ItemFolder(tmp_path, arrays)


def weights(folder: ItemFolder) -> dict[str, torch.Tensor]:
    return torch.load(folder.path / "weights.pt", weights_only=True)


def test_labels_of_the_target_are_counted_and_shared_out(folder: ItemFolder) -> None:
    own = Material(crops=LABELLED, looks=("plain",), domain=TARGET)
    simulated = Material(crops=SIMULATION, looks=("plain",))
    found = train_c(task(labelled=(simulated, own), label_share=0.25), SHARED, folder)
    assert found.num_labels == 12
    assert len(found.curve) == 2
    assert train_c(task(), SHARED, folder).num_labels == 0


def test_the_papers_network_learns_from_whole_pictures(folder: ItemFolder) -> None:
    shared = replace(SHARED, name="picture")
    whole = SIMULATION.model_copy(update={"network": "picture"})
    name = set_name(SIMULATION)
    arrays = {f"{name}/motion": np.zeros((48, 5), np.float32)}
    folder = ItemFolder(folder.path, arrays_of(SIMULATION) | arrays)
    material = Material(crops=whole, looks=("plain",))
    found = train_c(task(labelled=(material,), validation=(material,)), shared, folder)
    assert len(found.curve) == 2
    assert weights(folder)["motion.0.weight"].shape == (64, 5)


def test_what_does_not_learn_stays_as_it_began(folder: ItemFolder) -> None:
    first = train_c(task(), SHARED, folder)
    begun = weights(folder)
    again = train_c(task(descent=None, initial=first.weights), SHARED, folder)
    assert again.curve == ()
    norms = {name for name in begun if ".norms.1." in name}
    assert all(torch.equal(weights(folder)[name], begun[name]) for name in {*begun} - norms)
    assert again.validation_auc == pytest.approx(first.validation_auc)


def test_norms_take_the_targets_statistics(folder: ItemFolder) -> None:
    pictures = Material(crops=UNLABELLED, looks=("plain",), domain=TARGET)
    adapts = {"unlabelled": pictures, "adapts_norms": True, "domain": TARGET, "descent": None}
    found = train_c(task(**adapts), SHARED, folder)
    assert found.domain == TARGET
    means = [v for n, v in weights(folder).items() if n.endswith("norms.1.running_mean")]
    assert means[0].abs().max() > 0.05


def test_a_domain_classifier_sees_the_targets_pictures(folder: ItemFolder) -> None:
    pictures = Material(crops=UNLABELLED, looks=("plain",), domain=TARGET)
    adversary = config_json(AdversaryConfig())
    found = train_c(task(unlabelled=pictures, adversary=adversary), SHARED, folder)
    assert "domain_loss" in found.curve[-1]["losses"]
