from __future__ import annotations

import numpy as np

from tests.support.graspgan.results import target_scores


def test_the_greatest_area_is_the_best() -> None:
    answers = target_scores().validation
    names = ["simulation", "cut_structured", "randomised_longer"]
    assert answers.best_of(names) == "cut_structured"
    assert answers.best_of(["simulation", "labels"]) == "labels"


def test_what_was_not_trained_is_compared_with_nothing() -> None:
    answers = target_scores().test
    assert answers.difference("labels", "dann") is None
    assert answers.difference("labels", "labels") is None
    assert answers.closed_share("dann", "graspgan", "labels") is None
    found = answers.difference("labels", "simulation")
    assert found is not None
    assert found.value > 0


def test_some_of_the_attempts_are_a_test_of_their_own() -> None:
    answers = target_scores().test
    success = answers.test.success
    part = answers.part(np.arange(len(success)) < 400)
    assert part is not None
    assert part.area("labels").num == 400
    assert part.area("labels").value != answers.area("labels").value
    assert answers.part(success) is None, "nothing to tell apart"
