"""Answers are sorted into histograms, few or many."""

from __future__ import annotations

import pytest

from tasks.serving.figures import times
from tasks.serving.figures.times import BOUNDS, TOLD, Times


@pytest.mark.parametrize("num", [1, 10_000])
def test_all_that_was_noted_is_counted(num: int) -> None:
    told = Times()
    for _ in range(num):
        told.add((0.0005, 0.0, 99.0, 8.0))
    told.sort()
    bounds = BOUNDS["took_seconds"]
    assert told.counts["took_seconds"][bounds.index(0.0005)] == num, "a bound counts below itself"
    assert told.counts["computed_seconds"][-1] == num
    assert told.counts["batch_size"].tolist() == [0, 0, 0, num, *[0] * 8]
    assert told.totals["batch_size"] == 8 * num
    assert all(counts.sum() == num for counts in told.counts.values())


def test_few_are_kept_unsorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_MAX_ROWS", 2)
    told = Times()
    told.add((1.0, 1.0, 1.0, 1.0))
    assert told.counts["batch_size"].sum() == 0
    told.add((1.0, 1.0, 1.0, 1.0))
    assert told.counts["batch_size"].sum() == 2
    assert BOUNDS.keys() == TOLD.keys()
