from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.core.config import config_json
from tasks.graspgan.manifests import set_name
from tasks.graspgan.networks.domains import SOURCE, TARGET
from tasks.graspgan.samples.pools import grey
from tasks.graspgan.trainings.config import AdversaryConfig, DescentConfig
from tasks.graspgan.trainings.crop_pools import CropPools
from tasks.graspgan.trainings.manifests import Material, PredictorTask
from tasks.graspgan.trainings.predictor_item import SharedCrops, area, train_c
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import SIDE_PX, toy_pool
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


def test_labels_beyond_its_share_do_not_choose_either(folder: ItemFolder) -> None:
    own = Material(crops=LABELLED, looks=("plain",), domain=TARGET)
    asked = task(labelled=(own,), validation=(own,), label_share=0.25, domain=TARGET)
    curve = train_c(asked, SHARED, folder).curve
    kept = CropPools(folder).some_scenes(own, 0.25, asked.seed)
    arrays = arrays_of(LABELLED, seed=1, brightness=120)
    success, motion = (arrays[f"surrogate-train-labelled/{name}"] for name in ("success", "motion"))
    beyond = ~np.isin(motion[:, 0], kept.motion[:, 0])
    turned = {"surrogate-train-labelled/success": np.where(beyond, 1 - success, success)}
    assert beyond.sum() == 36
    other = train_c(asked, SHARED, ItemFolder(folder.path, arrays | turned)).curve
    assert [each["values"] for each in other] == [each["values"] for each in curve]


def test_labels_of_one_outcome_tell_nothing() -> None:
    pool = replace(toy_pool(8), success=np.ones(8, np.float32))
    network = SHARED.network(standardises=False)
    assert area(network, [(pool, SOURCE)], "cpu") == 0.5
    known = toy_pool(40), SOURCE
    assert area(network, [(pool, SOURCE), known], "cpu") == area(network, [known], "cpu")


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


def test_norms_take_in_how_much_scenes_differ(tmp_path: Path) -> None:
    """Samples lie scene by scene: a batch of one scene would show none of that."""
    crops = toy_set("surrogate", has_labels=False, num_looks=1)
    parts = [arrays_of(crops, seed=k, brightness=150 * (k // 2)) for k in range(4)]
    arrays = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
    pictures = Material(crops=crops, looks=("plain",), domain=TARGET)
    adapts = {"unlabelled": pictures, "adapts_norms": True, "domain": TARGET, "descent": None}
    folder = ItemFolder(tmp_path, arrays | arrays_of(SIMULATION))
    train_c(task(**adapts), SHARED, folder)
    found = weights(folder)["layers.1.norms.1.running_var"]
    network = SHARED.network(standardises=False)
    network.load_state_dict(weights(folder))
    maps = network.layers[0](grey(arrays["surrogate-train-unlabelled/plain_0"]))
    assert (found / maps.var(dim=(0, 2, 3))).mean().item() > 0.9


def test_a_domain_classifier_sees_the_targets_pictures(folder: ItemFolder) -> None:
    pictures = Material(crops=UNLABELLED, looks=("plain",), domain=TARGET)
    adversary = config_json(AdversaryConfig())
    found = train_c(task(unlabelled=pictures, adversary=adversary), SHARED, folder)
    assert "domain_loss" in found.curve[-1]["losses"]
