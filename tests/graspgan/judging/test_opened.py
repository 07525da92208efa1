from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.core.records import FileRef
from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.judging.opened import (
    TREES,
    Opened,
    painted_set,
    scored_sets,
)
from tasks.graspgan.manifests import Prepared, set_name
from tasks.graspgan.trainings.manifests import Trained
from tests.support.graspgan.chain import Chain


def test_what_names_methods_opens_no_test(chain: Chain) -> None:
    """Named by validation, and by simulation in the target's textures: two splits are read."""
    trained = chain.run.read(chain.trained, Trained)
    prepared = trained.adapted.pretrained.prepared
    read: list[str] = []

    class Store:
        def fetch(self, file: FileRef) -> Path:
            read.append(file.uri)
            return chain.run.fetch(file)

    sets = (*scored_sets(prepared, "bullet-structured"), painted_set(prepared, "bullet-structured"))
    validation, test, painted = ({f.arrays.uri for f in each.files} for each in sets)
    said = {set_name(crops): np.arange(24.0) for crops in sets}
    opened = Opened(trained, dict.fromkeys([]), Store())
    opened.__dict__["_files"] = dict.fromkeys(
        [each.item_id for each in trained.predictors]
        + [f"{name}-bullet-structured" for name in TREES],
        said,
    )
    assert {"graspgan_cut", "trees_contrast"} < {*opened.validation("bullet-structured").said}
    assert "graspgan_cut" in opened.painted("bullet-structured").said
    assert {*read} == validation | painted
    opened.target("bullet-structured")
    assert test < {*read}


def test_the_best_training_is_named_by_simulation(chain: Chain) -> None:
    trained = chain.run.read(chain.trained, Trained)
    crops = painted_set(trained.adapted.pretrained.prepared, "bullet-structured")
    success = []
    for file in crops.files:
        with np.load(chain.run.fetch(file.arrays)) as arrays:
            success.append(arrays["success"])
    right = np.concatenate(success)
    own = next(each for each in trained.predictors if each.method == "graspgan_cut")
    found = [own.model_copy(update={"item_id": f"s{seed}", "seed": seed}) for seed in range(3)]
    opened = Opened(trained, {}, chain.run)
    said = {"s0": 0 * right, "s1": right, "s2": -right}
    opened.__dict__["_files"] = {name: {set_name(crops): each} for name, each in said.items()}
    assert opened.best_of(found).seed == 1
    assert opened.best_of(found[::2]).seed == 0


def test_areas_are_those_of_what_was_said(chain: Chain) -> None:
    """The area of trees on poses, worked out again from the crops themselves."""
    from tasks.graspgan.controls.trees import tree_scores

    prepared = chain.run.read(chain.prepared, Prepared)

    def read(world: str, split: str, name: str) -> np.ndarray:
        parts = []
        for file in prepared.of(world, split).files:
            with np.load(chain.run.fetch(file.arrays)) as arrays:
                parts.append(arrays[name])
        return np.concatenate(parts)

    motion = [np.tile(read("bullet", part, "motion"), 2) for part in ("train", "held_out")]
    said = tree_scores(
        motion[0].astype(float), read("bullet", "train", "success") > 0, motion[1].astype(float), 0
    )
    expected = roc_auc_score(read("bullet", "held_out", "success"), said)
    found = chain.run.read(chain.evaluated, Evaluation)
    assert found.simulation["trees_pose"].value == pytest.approx(expected)
    assert {*TREES} - {*found.simulation} == {"trees_contrast_labels"}


def test_kinds_of_proposals_stand_apart_on_simulation(chain: Chain) -> None:
    """A network that knows the outcome of uniform proposals alone, and says nothing of others."""
    trained = chain.run.read(chain.trained, Trained)
    prepared = trained.adapted.pretrained.prepared
    test = scored_sets(prepared, "bullet")[1]
    opened = Opened(trained, {}, chain.run)
    arrays = opened._arrays(test)
    known = np.where(arrays["is_uniform"], arrays["success"], 0.0)
    ids = [each.item_id for each in trained.predictors]
    ids += [f"{name}-bullet-structured" for name in TREES]
    said = {item_id: {set_name(test): np.zeros(len(known))} for item_id in ids}
    said["structured-bullet-structured-s0"] = {set_name(test): known}
    opened.__dict__["_files"] = said
    every, uniform, near = opened.simulation("structured")
    assert (uniform["predictor"].value, near["predictor"].value) == (1, 0.5)
    assert 0.5 < every["predictor"].value < 1
    assert every["over_trees_mask"].value == every["predictor"].value - 0.5
    assert uniform["predictor"].num + near["predictor"].num == every["predictor"].num


def test_simulations_own_validation_names_its_network(chain: Chain) -> None:
    trained = chain.run.read(chain.trained, Trained)
    crops, _ = scored_sets(trained.adapted.pretrained.prepared, "bullet")
    assert (crops.world, crops.split, crops.target) == ("bullet", "validation", "")
    opened = Opened(trained, {}, chain.run)
    success = opened._arrays(crops)["success"]
    said = {each.item_id: {set_name(crops): 0 * success} for each in trained.predictors}
    said["structured-bullet-structured-s0"] = {set_name(crops): success}
    opened.__dict__["_files"] = said
    found = opened.simulated()
    assert {*found.said} == {"simulation", "randomised_longer", "structured"}, "none saw a target"
    assert found.best_of([*found.said]) == "structured"
