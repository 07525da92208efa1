from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.judging.opened import TREES, scored_sets
from tasks.graspgan.manifests import Prepared
from tests.support.graspgan.chain import Chain


def test_each_is_asked_about_validation_test_and_simulation(chain: Chain) -> None:
    prepared = chain.run.read(chain.prepared, Prepared)
    sets = scored_sets(prepared, "bullet-structured")
    assert [(each.world, each.split) for each in sets] == [
        ("bullet-structured", "validation"),
        ("bullet-structured", "held_out"),
        ("bullet", "held_out"),
    ]


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
    assert {*TREES} < {*found.simulation} | {"trees_contrast_labels"}
