"""The family: every size, group and seed is trained; failures are listed; too many end it."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from pathlib import Path

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError
from tasks.core.records import ArtifactRef
from tasks.nas.detection.config import BoxesConfig
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.training import train_all
from tasks.nas.transfer.config import SizeConfig, TransferConfig
from tasks.nas.transfer.manifests import TransferredNetworks
from tests.support.nas.transfer_runs import LEFT_OUT, QUICK, TRANSFER, TransferRun, begun

Begun = tuple[LocalRun, tuple[ArtifactRef, ArtifactRef]]


@pytest.fixture
def inputs(transfer_run: TransferRun) -> Begun:
    return transfer_run.local, (transfer_run.cells, transfer_run.data)


@pytest.fixture(scope="session")
def found(transfer_run: TransferRun) -> tuple[LocalRun, TransferredNetworks]:
    local = transfer_run.local
    return local, local.read(transfer_run.networks, TransferredNetworks)


def test_every_network_is_trained_in_each_way(
    found: tuple[LocalRun, TransferredNetworks],
) -> None:
    _, result = found
    assert result.skipped == ()
    ways = {
        (task.name, result.size_of[task.item_id], task.group, task.seed) for task in result.tasks
    }
    assert len(ways) == len(result.tasks) == len(result.networks) == 3 * 2 * 3 * 2
    assert {name for name, *_ in ways} == {"cells", "resnet", "mobilenet_v2"}
    assert {group for _, _, group, _ in ways} == {"cifar", "scratch", "from_cifar"}
    assert 0 < result.test_accuracy <= 1


def test_costs_are_equal_within_five_percent(
    found: tuple[LocalRun, TransferredNetworks],
) -> None:
    _, result = found
    wanted = {"small": 200_000, "large": 500_000}
    for task, network in zip(result.tasks, result.networks, strict=True):
        if task.group != "cifar":
            target = wanted[result.size_of[task.item_id]]
            assert abs(network.mult_adds / target - 1) <= 0.05


def test_weights_of_cifar_are_where_the_later_training_begins(
    found: tuple[LocalRun, TransferredNetworks],
) -> None:
    _, result = found
    weights = {each.item_id: each.weights for each in result.networks}
    tasks = {each.item_id: each for each in result.tasks}
    for name, task in tasks.items():
        if task.group == "from_cifar":
            before = name.replace("from_cifar", "cifar", 1)
            assert task.initial == weights[before]
            assert tasks[before].spec["image_px"] == 8
        else:
            assert task.initial is None


def test_fits_differ_between_scratch_and_cifar_weights(
    found: tuple[LocalRun, TransferredNetworks],
) -> None:
    local, result = found
    by_id = {each.item_id: each for each in result.networks}
    name = next(each for each in by_id if each.startswith("from_cifar-cells"))
    states = [
        torch.load(local.fetch(by_id[each].weights), weights_only=True)
        for each in (name, name.replace("from_cifar", "scratch", 1))
    ]
    assert states[0].keys() == states[1].keys()
    assert any((states[0][key] != states[1][key]).any() for key in states[0])


def test_without_cifar_all_begin_from_scratch(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    refs = begun(local, tmp_path, boxes=BoxesConfig(kind="none"), from_cifar=False)
    config = replace(TRANSFER, large=LEFT_OUT, num_seeds=1)
    result = local.read(local.run(transfer_cells, *refs, config=config), TransferredNetworks)
    assert {task.group for task in result.tasks} == {"scratch"}
    assert len(result.networks) == 3


def test_a_training_that_diverges_is_listed_with_what_depends_on_it(
    inputs: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, refs = inputs

    train = train_all.train_network

    @wraps(train)
    def diverging(item, config, folder):  # type: ignore[no-untyped-def]
        if item.group == "cifar" and item.name == "resnet":
            raise DataError("diverged: the mean loss is nan")
        return train(item, config, folder)

    diverging.__qualname__ = "diverging"  # its items are not those of other tests
    monkeypatch.setattr(train_all, "train_network", diverging)
    config = replace(TRANSFER, large=LEFT_OUT, num_seeds=1, max_failed_fraction=0.4)
    context = local.context(transfer_cells, *refs, config=config)
    result = local.read(transfer_cells(*refs, config, context), TransferredNetworks)
    reasons = {each.item_id: each.reason for each in result.skipped}
    assert set(reasons) == {"cifar-resnet-small-s0", "from_cifar-resnet-small-s0"}
    assert reasons["from_cifar-resnet-small-s0"] == (
        "its training on CIFAR failed: diverged: the mean loss is nan"
    )
    assert len(result.networks) == 3 * 3 - 2


def test_too_many_failures_end_the_stage_with_the_reasons(inputs: Begun) -> None:
    local, refs = inputs
    recipe = replace(QUICK, batch_size=20, learning_rate=10.0, num_epochs=3, momentum=0.99)
    config = replace(
        TRANSFER,
        small=SizeConfig(200_000, 1),
        large=LEFT_OUT,
        num_seeds=1,
        cifar_recipe=replace(recipe, warmup_share=0.0, weight_decay=1.0),
        max_failed_fraction=0.0,
    )
    with pytest.raises(DataError, match=r"of 3 items can't be used, .*diverged"):
        local.run(transfer_cells, *refs, config=config)


def test_a_size_that_no_width_reaches_is_refused_before_any_training(inputs: Begun) -> None:
    local, refs = inputs
    config = replace(TRANSFER, small=SizeConfig(100, 1))
    with pytest.raises(ConfigError, match=r"transfer\.small\.mult_adds, cells: no width costs 100"):
        local.run(transfer_cells, *refs, config=config)


def test_a_family_without_sizes_is_refused(inputs: Begun) -> None:
    local, refs = inputs
    config = TransferConfig(small=LEFT_OUT, medium=LEFT_OUT, large=LEFT_OUT)
    with pytest.raises(ConfigError, match="set mult_adds of one of small, medium, large"):
        local.run(transfer_cells, *refs, config=config)
