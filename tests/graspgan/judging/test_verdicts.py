from __future__ import annotations

import pytest

from tasks.graspgan.methods import methods
from tests.support.graspgan.results import STRENGTHS, target_scores


def test_validation_names_the_best() -> None:
    scores = target_scores()
    assert scores.best_of(["simulation", "cut_structured", "randomised_longer"]) == "cut_structured"
    assert scores.best_of(["simulation", "labels"]) == "labels"


def test_each_method_stands_beside_randomised_looks_and_the_best_control() -> None:
    scores = target_scores()
    results = {e.method: e for e in scores.results(methods("all"), "cut_structured")}
    assert {*results} == {*STRENGTHS}
    cut = results["graspgan_cut"]
    assert cut.over_control is not None
    assert cut.over_randomised is not None
    assert 0 < cut.over_control.value < cut.over_randomised.value
    assert cut.over_control.value == pytest.approx(
        cut.area.value - results["cut_structured"].area.value
    )
    assert results["cut_structured"].over_control is None
    assert cut.uniform is not None
    assert cut.near is not None
    assert cut.uniform.num + cut.near.num == cut.area.num
    assert cut.num_seeds == 3


def test_a_gap_is_closed_in_part() -> None:
    scores = target_scores()
    share = scores.closed_share("graspgan_cut", "cut_structured")
    assert share is not None
    assert share.low is not None
    assert share.high is not None
    assert 0 < share.low < share.value < share.high < 0.6
    assert scores.closed_share("graspgan_cut", "labels") is None, "no gap beyond all labels"


def test_labels_are_saved() -> None:
    scores = target_scores()
    factor = scores.factor("graspgan_cut", "cut_structured", share=5)
    worth = scores.factor("graspgan_cut", "cut_structured", share=0)
    assert factor is not None
    assert worth is not None
    assert 1 < factor.value < 4, "at 300 labels, where the control would need about 900"
    assert 300 < worth.value < 1200
    assert scores.factor("graspgan_cut", "simulation", share=5) is None, "it has no curve"
