from __future__ import annotations

from pathlib import Path

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.stages import spec_of
from tasks.nas.config import RetrainConfig, SearchConfig
from tasks.nas.manifests import (
    ChildResult,
    RetrainedCells,
    SearchLog,
    TrainedNetwork,
    TrainTask,
)
from tasks.nas.models.cost import cost_of
from tasks.nas.space.published import PUBLISHED
from tasks.nas.stages.retrain import retrain_cells
from tasks.nas.stages.search import search_cells
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import BASELINES, FINAL, RANDOM, TOP, WINNER
from tasks.nas.training.networks import build, design_of
from tests.support.nas.image_sets import prepared

SEARCH = SearchConfig(
    "evolution", proxy="tiny", num_children=3, num_searches=2, num_control=2, num_blocks=1
)
ONE_EPOCH = TrainingConfig(num_epochs=1, batch_size=64)
CONFIG = RetrainConfig(
    num_top=2,
    num_random=2,
    image_px=8,
    mult_adds=300_000,
    num_images=100,
    recipe=ONE_EPOCH,
    final_image_px=8,
    final_mult_adds=350_000,
    final_num_images=0,
    final_num_seeds=2,
    final_recipe=ONE_EPOCH,
    max_failed_fraction=0.5,
)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalRun:
    return LocalRun(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def retrained(local: LocalRun) -> RetrainedCells:
    torch.set_num_threads(1)
    images = prepared(local, Path(local.folder) / "set", num_train=240)
    found = local.run(search_cells, images, config=SEARCH)
    return local.read(local.run(retrain_cells, found, config=CONFIG), RetrainedCells)


def of_group(retrained: RetrainedCells, group: str) -> list[TrainTask]:
    return [task for task in retrained.tasks if task.group == group]


def test_the_best_random_ones_and_rivals_are_trained(retrained: RetrainedCells) -> None:
    top = of_group(retrained, TOP)
    assert [task.search for task in top] == ["evolution-0"] * 2 + ["evolution-1"] * 2
    assert [task.search for task in of_group(retrained, RANDOM)] == ["control"] * 2
    final = of_group(retrained, FINAL)
    assert {(task.name, task.seed) for task in final} == {
        (name, seed) for name in (WINNER, *PUBLISHED, *BASELINES) for seed in (0, 1)
    }
    trained = {network.item_id for network in retrained.networks}
    assert trained | set(retrained.skipped) >= {task.item_id for task in retrained.tasks}
    assert len(trained) == len(retrained.networks)


def test_all_are_scaled_to_equal_cost(retrained: RetrainedCells) -> None:
    by_id = {network.item_id: network for network in retrained.networks}
    for task in retrained.tasks:
        wanted = 350_000 if task.group == FINAL else 300_000
        assert abs(by_id[task.item_id].mult_adds / wanted - 1) <= 0.05
        cost = cost_of(lambda each=task: build(*design_of(each)), 8)
        assert by_id[task.item_id].num_params == cost.num_params


def test_the_winner_is_the_best_by_validation(retrained: RetrainedCells) -> None:
    by_id = {network.item_id: network for network in retrained.networks}
    scores = {
        task.name: by_id[task.item_id].validation_accuracy for task in of_group(retrained, TOP)
    }
    assert retrained.validation_accuracy == max(scores.values()) == scores[retrained.winner]
    names = {task.name for task in of_group(retrained, FINAL) if task.genotype}
    assert WINNER in names
    (genotype,) = {task.genotype for task in of_group(retrained, FINAL) if task.name == WINNER}
    assert genotype == retrained.search.genotypes[retrained.winner]


def test_seeds_give_other_weights(local: LocalRun, retrained: RetrainedCells) -> None:
    by_id = {network.item_id: network for network in retrained.networks}
    states = [
        torch.load(local.fetch(by_id[task.item_id].weights), weights_only=True)
        for task in of_group(retrained, FINAL)
        if task.name == "resnet"
    ]
    assert states[0].keys() == states[1].keys()
    assert not torch.equal(states[0]["classifier.weight"], states[1]["classifier.weight"])


def test_weights_load_into_the_plain_network(local: LocalRun, retrained: RetrainedCells) -> None:
    for task, network in zip(retrained.tasks, retrained.networks, strict=True):
        plain = build(*design_of(task))
        plain.load_state_dict(torch.load(local.fetch(network.weights), weights_only=True))
        assert network.curve[-1] == network.validation_accuracy


def test_tolerances_name_what_items_and_results_have() -> None:
    for function, records in (
        (retrain_cells, (TrainedNetwork, RetrainedCells)),
        (search_cells, (ChildResult, SearchLog)),
    ):
        for name, _ in spec_of(function).tolerances:
            assert all(name in record.model_fields for record in records)
