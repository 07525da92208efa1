from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.nas.report.statistics import (
    comparisons,
    final_scores,
    top_against_random,
)
from tasks.nas.report.tables import (
    comparisons_table,
    costs_table,
    driver_share,
    failures_table,
    points,
    rungs_table,
    scores_table,
    searches_table,
    top_table,
    verdict,
)
from tasks.report.estimates import Estimate, mean_estimate
from tests.support.nas.search_runs import retrained_cells, search_log


@pytest.fixture(scope="module")
def retrained():
    return retrained_cells(search_log(30, ("control", "evolution-0", "evolution-1")))


def test_differences_are_in_points_with_their_interval():
    assert points(Estimate(0.0123, 0.004, 0.001, 0.0236, 3)) == "+1.23 (+0.10 to +2.36)"
    assert points(Estimate(-0.01, None, None, None, 1)) == "-1.00 (no interval, n = 1)"


def test_verdicts_need_two_standard_errors():
    assert verdict(Estimate(0.03, 0.01, 0.01, 0.05, 9)) == "+3.0 standard errors: better"
    assert verdict(Estimate(-0.03, 0.01, -0.05, -0.01, 9)) == "-3.0 standard errors: worse"
    assert verdict(Estimate(0.02, 0.01, 0.0, 0.04, 9)).endswith("no difference shown")
    few = Estimate(0.03, 0.01, -0.01, 0.07, 3)
    assert verdict(few) == "+3.0 standard errors: better, yet the interval holds zero"
    assert "one observation" in verdict(mean_estimate([0.4]))
    assert verdict(mean_estimate([0.5, 0.5])) == "no spread between observations"


def test_rungs_and_searches_are_counted(retrained):
    log = retrained.search
    rungs = rungs_table(log)
    first = {t.genotype_hash for t in log.trials if t.rung == 0 and t.accuracy is not None}
    assert len(rungs.rows) == len(log.rungs)
    assert rungs.rows[0][5] == str(len(first))
    searches = searches_table(log)
    assert [row[0] for row in searches.rows] == [*log.searches]
    assert {row[1] for row in searches.rows} == {"30"}
    assert searches.rows[0][4] == "0"


def test_every_table_has_as_many_cells_as_columns(retrained):
    scores = final_scores(retrained)
    against = top_against_random(retrained)
    tables = [
        rungs_table(retrained.search),
        searches_table(retrained.search),
        top_table(against),
        scores_table(scores),
        comparisons_table(comparisons(scores)),
        costs_table(retrained),
        failures_table(retrained),
    ]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_unequal_costs_are_called_so(retrained):
    scores = final_scores(retrained)
    cheap = {
        seed: each.model_copy(update={"mult_adds": 1_000_000})
        for seed, each in scores["resnet"].by_seed.items()
    }
    other = scores | {"resnet": replace(scores["resnet"], by_seed=cheap)}
    rows = {row[0]: row[3] for row in comparisons_table(comparisons(other)).rows}
    assert rows["resnet"].endswith("(not equal)")
    assert "not equal" not in rows["nasnet_a"]


def test_failures_are_counted_by_reason(retrained):
    failed = [t for t in retrained.search.trials if t.accuracy is None]
    more = retrained.model_copy(update={"skipped": {"final-resnet-s1": "it ran out of memory"}})
    table = failures_table(more)
    assert table.rows[0][:2] == ("the loss became NaN in epoch 1", str(len(failed)))
    assert table.rows[-1] == ("it ran out of memory", "1", "final-resnet-s1")
    clean = retrained.search.model_copy(
        update={"trials": tuple(t for t in retrained.search.trials if t.accuracy is not None)}
    )
    assert failures_table(retrained.model_copy(update={"search": clean})) is None


def test_share_of_the_driver():
    log = search_log(2).model_copy(update={"children_cpu_s": 97.0, "driver_cpu_s": 3.0})
    assert driver_share(log) == pytest.approx(0.03)
