"""Items in flight: how often one is tried, and how its end is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from operators.compute.serial import SerialExecutor
from operators.items.checkpoint import Checkpoint
from operators.items.running import Running
from operators.items.work import make_item
from operators.record.trackers import NullTracker
from operators.tries import ITEM_TRIES
from tasks.core.errors import DataError, OrreryError, WorkerLostError
from tasks.core.ports import Future, Skipped
from tests.operators.items.test_work import ONE, break_store, item_work


class Lost:
    """A call whose worker died."""

    def result(self) -> Any:
        raise WorkerLostError("its worker died")


class LosesWorkers(SerialExecutor):
    """Loses the workers of so many calls, then works."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        left = self.__dict__.setdefault("left", self.num_threads)
        self.__dict__["left"] = left - 1
        return Lost() if left > 0 else super().submit(function, *args)

    def as_completed(self, futures: Iterable[Future[Any]]) -> Iterator[Future[Any]]:
        return iter(list(futures))


@pytest.mark.parametrize("num_lost", range(1, ITEM_TRIES + 1))
def test_an_item_is_tried_as_often_as_the_page_says(tmp_path: Path, num_lost: int) -> None:
    work = item_work(tmp_path)
    running = Running(work, LosesWorkers(num_threads=num_lost), NullTracker())
    running.submit(work.key(ONE), ONE)
    key, item, outcome = running.next_ended()
    assert (key, item) == (work.key(ONE), ONE)
    assert isinstance(outcome, Skipped) == (num_lost == ITEM_TRIES)
    if isinstance(outcome, Skipped):
        assert outcome.reason == f"its worker died (tried {ITEM_TRIES} times)"
        assert outcome.may_pass
    assert len(running) == 0


def test_an_item_whose_worker_died_after_its_commit_is_not_made_again(tmp_path: Path) -> None:
    work = item_work(tmp_path)
    made = make_item(work, work.key(ONE), ONE)
    running = Running(work, LosesWorkers(num_threads=1), NullTracker())
    running.submit(work.key(ONE), ONE)
    assert running.next_ended()[2] == made.outcome
    assert len(running) == 0


class Refuses(SerialExecutor):
    """Raises in a training what one of its processes found."""

    def train(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        return self.submit(refuse)


def refuse() -> None:
    raise DataError("the numbers are bad")


def test_what_one_process_of_several_refuses_is_skipped(tmp_path: Path) -> None:
    running = Running(item_work(tmp_path), Refuses(), NullTracker(), spread=True)
    key = running.work.key(ONE)
    (tmp_path / "state").write_text("x")
    checkpoint = Checkpoint(running.work.stage.storage, key)
    checkpoint.save(tmp_path / "state")
    running.submit(key, ONE)
    assert running.next_ended()[2] == Skipped(item_id="one", reason="the numbers are bad")
    assert checkpoint.fetch(tmp_path / "fetched") is None


def test_an_error_of_the_call_ends_the_loop(tmp_path: Path) -> None:
    running = Running(item_work(tmp_path, break_store), SerialExecutor(), NullTracker())
    running.submit(running.work.key(ONE), ONE)
    with pytest.raises(OrreryError, match="the file is missing"):
        running.next_ended()
