"""Items in flight: started, tried once more where a worker was lost, and told as they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from operators.items.checkpoint import Checkpoint
from operators.items.reports import load
from operators.items.watch import Watch
from operators.items.work import Ended, ItemWork, make_item, make_item_together, skipped
from operators.tries import ITEM_TRIES
from tasks.core.errors import DataError, PassingError, WorkerLostError
from tasks.core.ports import Executor, Future, Tracker
from tasks.core.records import Record


@dataclass
class Running:
    """Items that are being made.

    Attributes:
        work: What they have in common.
        executor: Makes them.
        tracker: Receives what they report.
        spread: Whether each is a training, of as many processes as the executor gives it.
    """

    work: ItemWork
    executor: Executor
    tracker: Tracker
    spread: bool = False
    _calls: dict[Future[Ended], tuple[str, Any, int]] = field(default_factory=dict)

    @cached_property
    def _watch(self) -> Watch:
        return Watch(self.work.stage.storage, self.tracker)

    def __enter__(self) -> Self:
        """Begin to show what the items report."""
        self._watch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Show nothing more; what is in flight goes on."""
        self._watch.__exit__()

    def __len__(self) -> int:
        """Number of items that have not ended, or whose end was not asked for."""
        return len(self._calls)

    def submit(self, key: str, item: Any, tries: int = 1) -> None:
        """Start to make an item, for the first time or once more."""
        self._watch.begin(key, item.item_id)
        if self.spread:
            future = self.executor.train(make_item_together, self.work, key, item)
        else:
            future = self.executor.submit(make_item, self.work, key, item)
        self._calls[future] = (key, item, tries)

    def next_ended(self) -> tuple[str, Any, Record]:
        """Wait for the item that ends first; returns its key, itself, and its record or `Skipped`.

        An item whose worker was lost is tried once more, then given up.

        Raises:
            OrreryError: Anything but bad data.
        """
        while True:
            future = next(iter(self.executor.as_completed(list(self._calls))))
            key, item, tries = self._calls.pop(future)
            ended = self._ended(future, key, item, tries)
            if ended is None:
                self.submit(key, item, tries + 1)
                continue
            self._watch.end(key, ended.reports)
            return key, item, ended.outcome

    def _ended(self, future: Future[Ended], key: str, item: Any, tries: int) -> Ended | None:
        """How an item ended; None if it is to be tried again."""
        storage = self.work.stage.storage
        try:
            return future.result()
        except DataError as error:  # of one process, which ended the first one, too
            reports = load(storage, key)
            Checkpoint(storage, key).drop()
            return Ended(skipped(item, error), reports)
        except WorkerLostError as error:
            reports = load(storage, key)
            if found := self.work.find(key):  # it died after its commit
                return Ended(found, reports)
            if tries < ITEM_TRIES:
                return None
            given_up = PassingError(f"{error} (tried {ITEM_TRIES} times)")
            return Ended(skipped(item, given_up), reports)
