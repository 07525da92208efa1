from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from operators.items.progress import Progress
from tasks.core.ports import Skipped
from tasks.core.records import Record


class Batch(Record):
    schema_id = "test.batch/1"
    unit: ClassVar[str] = "rolls"

    item_id: str
    num_units: int


class Metrics:
    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        self.logged.append((step, dict(metrics)))


def batches(*sizes: int) -> list[Batch]:
    return [Batch(item_id=f"batch-{i}", num_units=size) for i, size in enumerate(sizes)]


def test_items_may_be_counted_in_a_unit_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker: Any = Metrics()
    items = batches(10, 20, 30)
    progress = Progress.of("bakery.bake", items, tracker, Counter())
    with caplog.at_level(logging.INFO):
        progress.add(object(), items[0], reused=True)
        progress.add(Skipped(item_id="batch-1", reason="burnt"), items[1])
        progress.add(object(), items[2])
    assert progress.counts == {"made": 1, "reused": 1, "skipped": 1}
    step, last = tracker.logged[-1]
    assert step == 60
    assert (last["rolls_done"], last["rolls_skipped"]) == (60, 20)
    assert last["rolls_per_s"] > 0
    assert "bakery.bake: 10/60 rolls, 0.00 rolls/s, time left unknown" in caplog.text
    assert "60/60 rolls" in caplog.text
    assert "20 skipped, 10 reused" in caplog.text


def test_the_rate_leaves_out_what_was_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = [100.0]
    monkeypatch.setattr("operators.items.progress.time.monotonic", lambda: clock_s[0])
    tracker: Any = Metrics()
    items = batches(50, 20, 30)
    progress = Progress.of("bakery.bake", items, tracker, Counter())
    progress._started_s = clock_s[0]
    progress.add(object(), items[0], reused=True)
    clock_s[0] += 10.0
    progress.add(object(), items[1])
    assert tracker.logged[-1] == (70, {"rolls_done": 70, "rolls_skipped": 0, "rolls_per_s": 2.0})


@pytest.mark.parametrize(
    ("seconds_each", "left"), [(10.0, "90 s left"), (1000.0, "2 h 30 min left")]
)
def test_the_time_left_is_in_words_that_fit(
    seconds_each: float,
    left: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_s = [0.0]
    monkeypatch.setattr("operators.items.progress.time.monotonic", lambda: clock_s[0])
    items = batches(*[1] * 10)
    progress = Progress.of("bakery.bake", items, Metrics(), Counter())  # type: ignore[arg-type]
    progress._started_s = clock_s[0]
    clock_s[0] = seconds_each
    with caplog.at_level(logging.INFO):
        progress.add(object(), items[0])
    assert left in caplog.text


def test_a_guess_that_was_too_small_grows(caplog: pytest.LogCaptureFixture) -> None:
    tracker: Any = Metrics()
    progress = Progress("bakery.bake", 1, tracker, Counter())
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            progress.add(object())
    assert "3/3 items" in caplog.text
    assert "-" not in caplog.text.partition("3/3 items")[2].splitlines()[0]
