from __future__ import annotations

from tasks.nas.report.export import trials_csv
from tests.support.nas.search_runs import search_log


def test_trials_are_rows_in_order():
    log = search_log(5)
    head, *rows = trials_csv(log).splitlines()
    assert head.startswith("search,genotype_hash,rung,accuracy,reason")
    assert [row.split(",")[1] for row in rows] == [t.genotype_hash for t in log.trials]
