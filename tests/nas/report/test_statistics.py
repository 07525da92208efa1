from __future__ import annotations

import numpy as np
import pytest

from tasks.nas.manifests import RetrainedCells
from tasks.nas.report.statistics import (
    WINNER,
    comparisons,
    figures,
    final_scores,
    top_against_random,
)
from tasks.nas.space.canonical import canonical, genotype_hash
from tasks.nas.space.published import published
from tasks.nas.space.random_cells import random_genotype
from tests.support.nas.search_runs import network, retrained_cells, search_log, task

CELLS = [random_genotype(np.random.default_rng(seed)) for seed in range(6)]


def retrained(rows, winner=""):
    """Rows of (group, search, cells or name, seed, test accuracy, more)."""
    tasks, networks = [], []
    for number, (group, search, cells, seed, accuracy, *more) in enumerate(rows):
        genotype = None if isinstance(cells, str) else cells
        name = cells if isinstance(cells, str) else f"cells-{number}"
        item = task(f"i{number}", group, genotype, name=name, search=search, seed=seed)
        tasks.append(item)
        if accuracy is not None:
            networks.append(network(item.item_id, accuracy, **(more[0] if more else {})))
    return RetrainedCells(
        search=LOG,
        tasks=tuple(tasks),
        networks=tuple(networks),
        skipped={},
        winner=winner,
        validation_accuracy=0.5,
    )


LOG = search_log(num_children=3)
AGAINST = [
    ("random", "control", CELLS[0], 0, 0.50),
    ("random", "control", CELLS[1], 0, 0.52),
    ("random", "control", CELLS[1], 1, 0.56),  # the same cell again: its mean counts
    ("top", "a", CELLS[2], 0, 0.60),
    ("top", "a", CELLS[3], 0, 0.62),
    ("top", "b", CELLS[4], 0, 0.57),
    ("top", "b", CELLS[5], 0, None),  # could not be trained
    ("top", "c", CELLS[2], 0, 0.56),
]


def test_each_search_is_compared_with_the_mean_of_random_cells():
    found = top_against_random(retrained(AGAINST))

    assert found.control == pytest.approx(0.52)
    assert found.num_control == 2
    assert found.control_error == pytest.approx(0.02)
    assert found.by_search == pytest.approx({"a": 0.09, "b": 0.05, "c": 0.04})
    assert found.gain.value == pytest.approx(0.06)
    assert found.gain.error == pytest.approx(np.std([9, 5, 4], ddof=1) / 100 / np.sqrt(3))


def test_without_control_or_without_top_cells_nothing_is_said():
    assert top_against_random(retrained(AGAINST[:3])) is None
    assert top_against_random(retrained(AGAINST[3:])) is None


def test_spread_of_costs_is_reported():
    rows = [(*AGAINST[0], {"mult_adds": 100}), (*AGAINST[3], {"mult_adds": 104})]
    assert top_against_random(retrained(rows)).cost_spread == pytest.approx(0.04)


WINNING = CELLS[0]
FINALS = [
    ("final", "", "resnet", 0, 0.60, {"mult_adds": 2_000_000, "image_cpu_s": 0.5e-3}),
    ("final", "", "resnet", 1, 0.62, {"mult_adds": 2_000_000, "image_cpu_s": 0.5e-3}),
    ("final", "a", WINNING, 0, 0.63, {"mult_adds": 2_050_000}),
    ("final", "a", WINNING, 1, 0.64, {"mult_adds": 2_050_000}),
    ("final", "", published("nasnet_a"), 0, 0.61, {"mult_adds": 3_000_000}),
]


def test_winner_is_known_by_its_hash_however_its_blocks_are_numbered():
    other = canonical(WINNING)
    assert other != WINNING

    scores = final_scores(retrained(FINALS, genotype_hash(other)))

    assert [*scores] == [WINNER, "resnet", "cells-4"]
    assert scores[WINNER].accuracy.value == pytest.approx(0.635)
    assert scores["resnet"].points_per_mega_mult_add == pytest.approx(30.5)
    assert scores["resnet"].points_per_cpu_ms == pytest.approx(122.0)


def test_winner_is_compared_over_paired_seeds():
    found = comparisons(final_scores(retrained(FINALS, genotype_hash(WINNING))))

    assert found["resnet"].gain.value == pytest.approx(0.025)
    assert found["resnet"].gain.error == pytest.approx(0.005)
    assert found["resnet"].is_equal_cost
    assert found["resnet"].time_ratio == pytest.approx(2.0)
    assert not found["cells-4"].is_equal_cost
    assert found["cells-4"].gain.value == pytest.approx(0.025)


def test_a_winner_that_could_not_be_trained_is_compared_with_nothing():
    scores = final_scores(retrained(FINALS[:2], genotype_hash(WINNING)))
    assert [*scores] == ["resnet"]
    assert comparisons(scores) == {}


def test_figures_are_in_points():
    found = figures(retrained([*AGAINST, *FINALS], genotype_hash(WINNING)))

    assert found["top5_minus_random"] == pytest.approx(6.0)
    assert found["top5_minus_random_in_se"] == pytest.approx(
        found["top5_minus_random"] / found["top5_minus_random_se"]
    )
    assert found["top5_minus_random_se_with_control"] == pytest.approx(
        np.hypot(found["top5_minus_random_se"], 2.0)
    )
    assert found["cell_minus_resnet"] == pytest.approx(2.5)
    assert found["winner_accuracy"] == pytest.approx(63.5)
    assert found["cell_minus_resnet_se"] == pytest.approx(0.5)
    assert "cell_minus_cells-4_se" not in found  # one training has none


def test_a_search_that_finds_better_cells_shows_in_the_figures():
    names = ("control", "evolution-0", "evolution-1", "evolution-2")
    found = figures(retrained_cells(search_log(60, names)))
    assert found["top5_minus_random"] > 2 * found["top5_minus_random_se"] > 0
