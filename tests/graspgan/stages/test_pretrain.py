from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.stages import spec_of
from tasks.graspgan.stages.adapt import adapt_looks
from tasks.graspgan.stages.evaluate import evaluate_methods
from tasks.graspgan.stages.pretrain import pretrain
from tasks.graspgan.stages.train import train_methods
from tasks.graspgan.trainings.manifests import Pretrained
from tests.support.graspgan.chain import PRETRAIN, Chain


def test_simulation_teaches_first_plain_then_in_random_looks(chain: Chain) -> None:
    found = chain.run.read(chain.pretrained, Pretrained)
    names = {each.item_id for each in found.predictors}
    methods = ("simulation", "randomised")
    assert names == {f"{method}-s0" for method in methods}, "few methods have no raw inputs"
    first, second = (
        torch.load(chain.run.fetch(found.of(method, 0).weights), weights_only=True)
        for method in methods
    )
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert len(found.of("randomised", 0).curve) == 2


def test_a_profile_with_gpus_that_nobody_has_is_said_and_costs_nothing(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    profile = tmp_path / "gpu.yaml"
    profile.write_text("stages: {graspgan.pretrain: {num_gpus: 1.0}}")
    run = LocalRun(chain.run.folder, profile=str(profile))
    found = run.run(pretrain, chain.prepared, config=PRETRAIN)
    assert found == chain.pretrained, "what the CPU made is found"
    assert "graspgan.pretrain runs on the CPU: its profile" in caplog.text
    assert "grants 1 GPUs a call and the cluster has 0" in caplog.text
    trainings = (pretrain, adapt_looks, train_methods, evaluate_methods)
    assert {spec_of(each).device for each in trainings} == {"any"}
