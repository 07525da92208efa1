from __future__ import annotations

from pathlib import Path

import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.errors import DataError
from tasks.core.ports import Skipped
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
from tasks.nas.recipe import Recipe
from tasks.nas.space.published import PUBLISHED
from tasks.nas.stages.retrain import (
    BASELINES,
    FINAL,
    RANDOM,
    TOP,
    candidates,
    choose,
    finalists,
    retrain_cells,
)
from tasks.nas.stages.search import search_cells
from tasks.nas.training.item import spec_of_task
from tasks.nas.training.networks import build
from tests.support.nas.image_sets import prepared

SEARCH = SearchConfig(proxy="tiny", num_children=4, num_searches=2, num_control=3, num_blocks=2)
ONE_EPOCH = Recipe(num_epochs=1, batch_size=64)
CONFIG = RetrainConfig(
    num_top=2,
    num_random=2,
    image_px=8,
    mult_adds=400_000,
    num_images=200,
    recipe=ONE_EPOCH,
    final_image_px=8,
    final_mult_adds=500_000,
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
    images = prepared(local, Path(local.folder) / "set")
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
        (name, seed) for name in ("winner", *PUBLISHED, *BASELINES) for seed in (0, 1)
    }
    trained = {network.item_id for network in retrained.networks}
    assert trained | set(retrained.skipped) >= {task.item_id for task in retrained.tasks}
    assert len(trained) == len(retrained.networks)


def test_all_are_scaled_to_equal_cost(retrained: RetrainedCells) -> None:
    by_id = {network.item_id: network for network in retrained.networks}
    for task in retrained.tasks:
        wanted = 500_000 if task.group == FINAL else 400_000
        assert abs(by_id[task.item_id].mult_adds / wanted - 1) <= 0.05
        genotype = task.genotype.genotype() if task.genotype else None
        spec = spec_of_task(task)
        cost = cost_of(lambda g=genotype, s=spec: build(g, s), 8)
        assert by_id[task.item_id].num_params == cost.num_params


def test_the_winner_is_the_best_by_validation(retrained: RetrainedCells) -> None:
    by_id = {network.item_id: network for network in retrained.networks}
    scores = {
        task.name: by_id[task.item_id].validation_accuracy for task in of_group(retrained, TOP)
    }
    assert retrained.validation_accuracy == max(scores.values()) == scores[retrained.winner]
    names = {task.name for task in of_group(retrained, FINAL) if task.genotype}
    assert "winner" in names
    (genotype,) = {task.genotype for task in of_group(retrained, FINAL) if task.name == "winner"}
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
        genotype = task.genotype.genotype() if task.genotype else None
        plain = build(genotype, spec_of_task(task))
        plain.load_state_dict(torch.load(local.fetch(network.weights), weights_only=True))
        assert network.curve[-1] == network.validation_accuracy


def test_cells_that_no_width_fits_are_skipped_with_the_reason(retrained: RetrainedCells) -> None:
    tiny = RetrainConfig(final_image_px=8, final_mult_adds=10_000, final_num_seeds=1)
    found = [
        *candidates(retrained.search, tiny),
        *finalists(retrained.search, retrained.winner, tiny),
    ]
    skipped = [each for each in found if isinstance(each, Skipped)]
    assert skipped
    assert all("no width costs 10,000 multiply-adds" in each.reason for each in skipped)


def test_a_search_without_children_is_refused(retrained: RetrainedCells) -> None:
    empty = retrained.search.model_copy(update={"trials": ()})
    with pytest.raises(DataError, match="search 'evolution-0' has no child"):
        list(candidates(empty, CONFIG))


def test_without_any_trained_cell_there_is_no_winner(retrained: RetrainedCells) -> None:
    with pytest.raises(DataError, match="none of the best cells"):
        choose(retrained.tasks, [])
    assert isinstance(retrained.search, SearchLog)
    assert isinstance(retrained.networks[0], TrainedNetwork)


def test_no_seed_leaves_the_comparison_out(retrained: RetrainedCells) -> None:
    config = RetrainConfig(final_num_seeds=0)
    assert list(finalists(retrained.search, retrained.winner, config)) == []


def test_tolerances_name_what_items_and_results_have() -> None:
    for function, records in (
        (retrain_cells, (TrainedNetwork, RetrainedCells)),
        (search_cells, (ChildResult, SearchLog)),
    ):
        for name, _ in spec_of(function).tolerances:
            assert all(name in record.model_fields for record in records)
