"""What is trained longer, and which cells win."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.nas.config import RetrainConfig
from tasks.nas.manifests import TrainTask
from tasks.nas.models.scaling import scale_cells
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.search.finalists import choose, contenders, finalists
from tasks.nas.search.selection import first_children, top_children
from tasks.nas.space.published import PUBLISHED
from tasks.nas.training.groups import BASELINES, FINAL, RANDOM, TOP, WINNER
from tests.support.nas.search_runs import network, search_log, task

LOG = search_log(12, ("control", "evolution-0", "evolution-1"))
CONFIG = RetrainConfig(
    num_top=1,
    num_random=2,
    image_px=8,
    mult_adds=400_000,
    num_images=200,
    final_image_px=8,
    final_mult_adds=500_000,
    final_num_seeds=2,
)


def test_the_best_of_each_search_and_the_first_of_the_control_are_trained() -> None:
    found = list(contenders(LOG, CONFIG))
    assert [(each.group, each.search) for each in found] == [
        (RANDOM, "control"),
        (RANDOM, "control"),
        (TOP, "evolution-0"),
        (TOP, "evolution-1"),
    ]
    assert [each.name for each in found[:2]] == first_children(LOG, "control", 2)
    assert [found[2].name] == top_children(LOG, "evolution-0", 1)
    for each in found:
        assert isinstance(each, TrainTask)
        assert each.genotype == LOG.genotypes[each.name]
        assert (each.image_px, each.num_images, each.seed) == (8, 200, 0)
        assert each.item_id == f"{each.group}-{each.search}-{each.name[:16]}"


def test_contenders_are_scaled_to_the_cost() -> None:
    first = next(contenders(LOG, CONFIG))
    assert isinstance(first, TrainTask)
    assert first.genotype is not None
    wanted = NetworkSize(1, 1, len(LOG.images.classes), image_px=8)
    size, cost = scale_cells(first.genotype.genotype(), wanted, 400_000)
    assert first.spec == asdict(size)
    assert abs(cost.mult_adds / 400_000 - 1) <= 0.05


def test_the_winner_meets_published_cells_and_hand_made_networks_with_each_seed() -> None:
    winner = top_children(LOG, "evolution-0", 1)[0]
    found = list(finalists(LOG, winner, CONFIG))
    names = (WINNER, *PUBLISHED, *BASELINES)
    assert [(each.name, each.seed) for each in found] == [(n, s) for s in (0, 1) for n in names]
    assert {each.group for each in found} == {FINAL}
    assert found[0].item_id == f"final-winner-{winner[:16]}-s0"
    assert found[0].genotype == LOG.genotypes[winner]
    assert found[-1].item_id == "final-mobilenet_v2-s1"
    assert found[-1].genotype is None


def test_cells_that_no_width_fits_are_skipped_with_the_reason() -> None:
    tiny = RetrainConfig(final_image_px=8, final_mult_adds=10_000, final_num_seeds=1)
    found = list(finalists(LOG, next(iter(LOG.genotypes)), tiny))
    skipped = [each for each in found if isinstance(each, Skipped)]
    assert skipped
    assert all("no width costs 10,000 multiply-adds" in each.reason for each in skipped)


def test_a_search_without_children_is_refused() -> None:
    empty = LOG.model_copy(update={"trials": ()})
    with pytest.raises(DataError, match="search 'control' has no child"):
        list(contenders(empty, CONFIG))


def test_no_seed_leaves_the_comparison_out() -> None:
    config = RetrainConfig(final_num_seeds=0)
    assert list(finalists(LOG, next(iter(LOG.genotypes)), config)) == []


def test_the_best_mean_by_validation_wins_whatever_random_cells_reach() -> None:
    tasks = [
        task("a", TOP, name="one", search="evolution-0"),
        task("b", TOP, name="one", search="evolution-1"),
        task("c", TOP, name="two", search="evolution-1"),
        task("d", RANDOM, name="three", search="control"),
        task("lost", TOP, name="four", search="evolution-1"),
    ]
    reached = {"a": 0.5, "b": 0.7, "c": 0.61, "d": 0.9}
    networks = [
        network(item_id, 0.1).model_copy(update={"validation_accuracy": value})
        for item_id, value in reached.items()
    ]
    assert choose(tasks, networks) == ("two", pytest.approx(0.61))
    with pytest.raises(DataError, match="none of the best cells"):
        choose(tasks, [])
