from __future__ import annotations

import pytest

from tasks.nas.report.child_runs import promoted_children
from tests.support.nas.search_runs import retrained_cells, search_log


@pytest.fixture(scope="module")
def retrained():
    return retrained_cells(search_log(40, ("control", "evolution-0", "evolution-1")))


def test_promoted_children_come_best_first_and_none_twice(retrained):
    found = list(promoted_children(retrained, limit=1000))
    promoted = {t.genotype_hash for t in retrained.search.trials if t.rung and t.accuracy}

    assert {run.genotype_hash for run in found} == promoted
    assert len(found) == len(promoted)
    places = [
        (run.params["highest_rung"], run.metrics[f"accuracy_rung_{run.params['highest_rung']}"])
        for run in found
    ]
    assert places == sorted(places, reverse=True)


def test_their_number_is_bounded(retrained):
    found = list(promoted_children(retrained, limit=3))
    assert found == list(promoted_children(retrained))[:3]


def test_retrained_accuracy_stands_beside_that_of_the_rungs(retrained):
    assert any("retrained_test_accuracy" in run.metrics for run in promoted_children(retrained))
