from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tasks.bundle.folders import read_bundle
from tasks.bundle.replay import golden_of
from tasks.core.models import ModelPackage, RegisteredModel
from tasks.graspgan.config import RegisterConfig
from tasks.graspgan.judging.manifests import Evaluation
from tasks.graspgan.stages.register import Registered, register_predictors
from tasks.grasping.policy_model import check_model
from tests.support.graspgan.chain import Chain


def test_the_best_adaptation_is_packed_with_examples_and_grasps(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operators.record.trackers import NullTracker

    given: list[ModelPackage] = []

    class Registry:
        def register(self, package: ModelPackage) -> RegisteredModel:
            given.append(package)
            shutil.copytree(package.bundle, tmp_path / "bundle")  # it lies in the stage's scratch
            return RegisteredModel(
                name=package.name, version=1, is_champion=True, reason="the first"
            )

    monkeypatch.setattr(NullTracker, "models", Registry())
    ref = chain.run.run(register_predictors, chain.evaluated, config=RegisterConfig())
    assert chain.run.read(ref, Registered).num_models == 1
    (package,) = given
    assert package.name == "grasp_success-bullet-structured"
    evaluation = chain.run.read(chain.evaluated, Evaluation)
    (result,) = evaluation.targets
    grasped = np.mean([s for each in result.best_grasps for s in each.successes])
    assert package.metrics["success"] == pytest.approx(grasped)
    assert package.tags["seed"] == "0"
    bundle = read_bundle(tmp_path / "bundle")
    inputs, outputs = golden_of(tmp_path / "bundle", bundle.signatures["predict"])
    assert inputs["before"].shape == (1, 64, 64, 3)
    assert inputs["commands"].shape == (4, 5)
    assert outputs["success"].shape == (4,)
    assert bundle.use["world"] == "bullet-structured"
    check_model(tmp_path / "bundle" / "model.pt2", 64, 9)
    with np.load(package.answers) as answers:
        assert answers["item"].shape == (12, 32)


def test_without_a_name_nothing_is_registered(chain: Chain) -> None:
    config = RegisterConfig(model="")
    ref = chain.run.run(register_predictors, chain.evaluated, config=config)
    assert chain.run.read(ref, Registered).num_models == 0
