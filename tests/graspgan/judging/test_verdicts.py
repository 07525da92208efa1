from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.graspgan.judging.verdicts import TargetScores
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


def test_of_few_scenes_no_interval_of_labels_is_stated() -> None:
    few, more = (
        target_scores(num).factor("graspgan_cut", "cut_structured", share=5) for num in (9, 10)
    )
    assert few is not None
    assert (few.low, few.high) == (None, None)
    assert more is not None
    assert more.low is not None


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


def with_raw_rows(**strengths: float) -> TargetScores:
    """Other rows whose inputs are as they are, of one training each."""
    scores = target_scores()
    rng, test = np.random.default_rng(1), scores.test.test
    said = {
        f"{name}_raw": [strength * test.success + rng.normal(size=len(test.success))]
        for name, strength in strengths.items()
    }
    return replace(scores, test=replace(scores.test, said={**scores.test.said, **said}))


def test_raw_gains_stand_beside_what_standardising_gives() -> None:
    """From 0 to 0.8, in deviations of the noise; standardised, randomised looks reach 0.4."""
    scores = with_raw_rows(randomised_longer=0.0, graspgan=0.8, graspgan_cut=-0.1)
    first, second = scores.raw_gains()
    assert (first.method, second.method) == ("graspgan", "graspgan_cut")
    area = scores.test.area
    middle, raw = area("randomised_longer").value, area("randomised_longer_raw").value
    assert first.standardised.value == pytest.approx(middle - raw)
    assert first.gain.value == pytest.approx(area("graspgan_raw").value - raw)
    assert first.share is not None
    assert first.share.value == pytest.approx(first.standardised.value / first.gain.value)
    assert first.share.low is not None
    assert 0 < first.share.low < first.share.value < 1
    assert second.share is None, "it gains nothing that a part could be taken of"


def test_without_raw_rows_nothing_is_said_of_raw_inputs() -> None:
    assert [*target_scores().raw_gains()] == []
    assert [*with_raw_rows(randomised_longer=0.2).raw_gains()] == []
    assert [*with_raw_rows(graspgan=0.2).raw_gains()] == []


def test_dann_is_compared_with_what_it_adds_to() -> None:
    scores = target_scores()
    assert scores.difference("graspgan_dann", "graspgan_cut") is None, "it was not trained"
    found = scores.difference("graspgan_cut_5", "graspgan_cut")
    assert found is not None
    assert found.value > 0
    control = scores.difference("graspgan_cut_5", "simulation")
    assert control is not None
    assert found.error < control.error, "they are paired with each other"
