"""Means over seeds and paired differences, on figures known by hand."""

from __future__ import annotations

import pytest

from tasks.nas.report.by_seed import BySeed, grouped, named
from tasks.report.estimates import Estimate
from tests.support.nas.search_runs import network, task

ONE = BySeed("one", {0: network("a", 0.50), 1: network("b", 0.54)})
OTHER = BySeed("other", {1: network("c", 0.50), 0: network("d", 0.48), 2: network("e", 0.9)})


def test_figures_are_means_over_seeds() -> None:
    assert ONE.values("test_accuracy") == {0: 0.50, 1: 0.54}
    assert ONE.mean("test_accuracy") == pytest.approx(0.52)
    found = ONE.estimate("test_accuracy")
    assert (found.value, found.error, found.num) == (pytest.approx(0.52), pytest.approx(0.02), 2)
    assert ONE.any_one.item_id == "a"


def test_differences_are_paired_by_seed() -> None:
    found = ONE.less(OTHER, "test_accuracy")
    assert found.value == pytest.approx(0.03)  # 0.02 and 0.04; seed 2 has no partner
    assert found.error == pytest.approx(0.01)
    assert OTHER.less(ONE, "test_accuracy").value == pytest.approx(-0.03)


def test_trainings_are_grouped_in_the_order_of_the_tasks() -> None:
    tasks = [
        task(f"{name}{seed}", "final", name=name, seed=seed) for name in "ba" for seed in (1, 0)
    ]
    made = [network(item_id, 0.5) for item_id in ("a0", "b0", "b1", "unknown")]
    found = grouped(tasks, made, lambda each: each.name)
    assert {name: list(runs) for name, runs in found.items()} == {"b": [1, 0], "a": [0]}
    assert list(found) == ["b", "a"]
    assert found["b"][0].item_id == "b0"


def test_figures_are_named_with_what_bounds_them() -> None:
    whole = Estimate(0.5, 0.01, 0.47, 0.53, 3)
    assert named("x", whole) == {
        "x": 50,
        "x_se": pytest.approx(1),
        "x_low": pytest.approx(47),
        "x_high": pytest.approx(53),
    }
    assert named("x", Estimate(0.5, None, None, None, 1)) == {"x": 50}
