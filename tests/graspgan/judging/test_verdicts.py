from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.graspgan.methods import methods
from tests.support.graspgan.results import STRENGTHS, target_scores


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


def test_a_method_that_is_no_better_is_worth_no_label() -> None:
    """The control's curve begins without labels: else all are worth the least share at least."""
    scores = target_scores()
    worth = scores.factor("simulation", "cut_structured", share=0)
    assert worth is not None
    assert worth.value == 1
    said = dict(scores.test.said)
    said["graspgan_cut_5"] = said["cut_structured"]
    worse = replace(scores, test=replace(scores.test, said=said))
    factor = worse.factor("graspgan_cut", "cut_structured", share=5)
    assert factor is not None
    assert factor.value < 0.01, "no label gives the control as much as 300 give the adaptation"


def test_dann_is_compared_with_what_it_adds_to() -> None:
    scores = target_scores()
    assert scores.difference("graspgan_dann", "graspgan_cut") is None, "it was not trained"
    found = scores.difference("graspgan_cut_5", "graspgan_cut")
    assert found is not None
    assert found.value > 0
    control = scores.difference("graspgan_cut_5", "simulation")
    assert control is not None
    assert found.error < control.error, "they are paired with each other"
