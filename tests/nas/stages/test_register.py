"""The winner is packed and registered; what became of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from operators.stage.local import LocalRun
from tasks.bundle.folders import read_bundle
from tasks.bundle.replay import golden_of
from tasks.core.models import ModelPackage, RegisteredModel
from tasks.core.records import ArtifactRef
from tasks.nas.space.genotype_file import read_genotype
from tasks.nas.stages.register import register_models
from tasks.nas.transfer.config import RegisterConfig
from tasks.nas.transfer.manifests import RegisteredModels, TransferredNetworks
from tasks.nas.transfer.scores import best_network, network_scores
from tests.support.nas.transfer_runs import FEW_BLOCKS, TransferRun

Trained = tuple[LocalRun, ArtifactRef]


@dataclass
class _Registry:
    """Stands in for the registry; keeps what came."""

    packages: list[ModelPackage] = field(default_factory=list)

    def register(self, package: ModelPackage) -> RegisteredModel:
        self.packages.append(package)
        return RegisteredModel(
            name=package.name, version=7, is_champion=True, reason="the first of its name"
        )


@pytest.fixture
def networks(transfer_run: TransferRun) -> Trained:
    """Those of cells alone, which have most to bring; one of them is packed once for all tests."""
    local = transfer_run.local
    found = local.read(transfer_run.networks, TransferredNetworks)
    ids = {task.item_id for task in found.tasks if task.name == "cells"}
    made = tuple(each for each in found.networks if each.item_id in ids)
    return local, local.put(found.model_copy(update={"networks": made}))


def registered(
    networks: Trained,
    monkeypatch: pytest.MonkeyPatch,
    config: RegisterConfig,
) -> tuple[_Registry, RegisteredModels]:
    local, ref = networks
    registry = _Registry()
    context: Any = local.context(register_models, ref, config=config)
    monkeypatch.setattr(type(context), "models", registry)
    return registry, local.read(register_models(ref, config, context), RegisteredModels)


def test_the_winner_goes_to_the_registry(
    networks: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, ref = networks
    registry, result = registered(networks, monkeypatch, RegisterConfig())
    found = local.read(ref, TransferredNetworks)
    best = best_network(network_scores(found))
    assert best is not None
    (entry,) = result.models
    (package,) = registry.packages
    assert (entry.model, entry.version, entry.is_champion) == (package.name, 7, True)
    assert package.name == "transfer_cells-larger"
    assert entry.item_id in {each.item_id for each in best.by_seed.values()}
    assert package.metrics["test_accuracy"] == entry.value
    assert package.metrics["test_accuracy_mean"] == best.test.value
    seeds = f"over 2 seeds its network has {best.test.value:.4g} (standard error "
    assert entry.reason.startswith(f"the first of its name; {seeds}")
    assert package.tags["network"] == best.name
    bundle = read_bundle(package.bundle)
    assert bundle.use["classes"] == ["red", "green", "blue"]
    assert [*bundle.networks] == ["onnx", "torch"]
    assert bundle.signatures["classify"].labels == ("red", "green", "blue")
    assert {part.partition(": ")[2] for part in bundle.provenance.data} == {
        *("train", "validation", "test")
    }
    assert read_genotype(package.files["genotype.json"]) == FEW_BLOCKS
    with np.load(package.answers) as answers:
        assert answers["item"].shape == (30, 32)
        assert answers["is_right"].mean() == entry.value
    program = torch.export.load(package.bundle / "model.pt2").module()
    told = bundle.signatures["predict"]
    inputs, outputs = golden_of(package.bundle, told)
    assert ([*inputs], [*outputs]) == (["images"], ["logits"])
    with torch.no_grad():
        made = program(torch.tensor(inputs["images"])).numpy()
    np.testing.assert_allclose(made, outputs["logits"], atol=told.tolerance)


def test_an_empty_name_registers_nothing(
    networks: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, result = registered(networks, monkeypatch, RegisterConfig(models=""))
    assert registry.packages == []
    assert result.models == ()


def test_without_a_registry_the_package_is_kept_and_says_so(networks: Trained) -> None:
    local, ref = networks
    config = RegisterConfig(models="alone")
    result = local.read(local.run(register_models, ref, config=config), RegisteredModels)
    (entry,) = result.models
    assert entry.version is None
    assert not entry.is_champion
    assert entry.reason
    assert Path(local.fetch(entry.files["model.pt2"])).stat().st_size > 1000
