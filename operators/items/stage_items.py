"""Items: the parts of a long stage, each made in parallel and committed on its own."""

from __future__ import annotations

import logging
import time
import typing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from operators.items.claims import Claims
from operators.items.pool import ItemPool, Journal
from operators.items.progress import Progress
from operators.items.running import Running
from operators.items.work import ItemWork, StageWork
from operators.tries import CLAIM_POLL_S
from tasks.core.errors import ConfigError, DataError
from tasks.core.ports import Executor, ItemFunction, Skipped, Tracker
from tasks.core.records import Record

_NUM_READERS = 8
_NUM_LOOKED_UP = 256
_NUM_NAMED = 5

logger = logging.getLogger(__name__)


@dataclass
class StageItems:
    """Work over many items; see `tasks.core.ports.Items`.

    Attributes:
        work: What all items of the stage have in common.
        executor: Runs the items.
        tracker: Receives the progress.
        max_in_flight: Number of items that are submitted and not yet collected.
        journal: Where a pool of the stage notes in which order its items ended.
        max_trainings: The same number of items that are spread.
        counts: Items made, reused and skipped so far, for the provenance.
        made: Ids of items that this run made; see `tasks.core.ports.Items`.
        lacks_some: Whether an item failed for a reason that may pass.
    """

    work: StageWork
    executor: Executor
    tracker: Tracker
    max_in_flight: int
    journal: Journal
    max_trainings: int = 1
    counts: dict[str, int] = field(default_factory=lambda: {"made": 0, "reused": 0, "skipped": 0})
    made: set[str] = field(default_factory=set)
    lacks_some: bool = False

    def map(
        self,
        function: ItemFunction[Any, Any],
        items: Sequence[Any],
        config: Any,
        *,
        shared: Mapping[str, npt.NDArray[Any]] | None = None,
        spread: bool = False,
    ) -> Sequence[Any]:
        """Make each item in parallel, in the items' order; committed items are not redone.

        Raises:
            ConfigError: They are spread, and the stage does not declare tolerances.
        """
        if spread and not self.work.spec.tolerances:
            raise ConfigError(
                f"{self.work.spec.name} spreads items over processes, whose number changes sums: "
                "declare it with tolerances"
            )
        work = self._work(function, config, shared)
        _check_unique([item.item_id for item in items])
        progress = Progress.of(self.work.spec.name, items, self.tracker, self.counts)
        max_in_flight = self.max_trainings if spread else self.max_in_flight
        running = Running(work, self.executor, self.tracker, spread)
        with running, Claims(self.work.storage) as claims:
            making = _Making(running, claims, progress, max_in_flight, self.made)
            for item, (key, found, is_own) in zip(items, _find_all(work, items), strict=True):
                if found is None:
                    making.begin(key, item)
                    continue
                making.add(item, found, reused=True)
                self.made.update([item.item_id] * is_own)
            making.finish()
        self.lacks_some |= any(_may_pass(each) for each in making.outcomes.values())
        return [making.outcomes[item.item_id] for item in items]

    def pool(
        self,
        function: ItemFunction[Any, Any],
        config: Any,
        total: int,
        *,
        shared: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> ItemPool:
        """Open the stage's pool; see `tasks.core.ports.ItemPool`.

        Raises:
            ConfigError: The stage does not declare ``replays=True``.
        """
        work = self._work(function, config, shared)
        if not self.work.spec.replays:
            raise ConfigError(
                f"{self.work.spec.name} depends on the order in which items end: declare it with "
                "replays=True"
            )
        return ItemPool(
            running=Running(work, self.executor, self.tracker),
            size=self.max_in_flight,
            journal=self.journal,
            progress=Progress(self.work.spec.name, total, self.tracker, self.counts),
        )

    def _work(
        self, function: Any, config: Any, shared: Mapping[str, npt.NDArray[Any]] | None
    ) -> ItemWork:
        return ItemWork(
            stage=self.work,
            function=function,
            outcome_type=_outcome_type(function),
            config=config,
            shared={name: self.executor.share(array) for name, array in (shared or {}).items()},
        )


@dataclass
class _Making:
    """Items of one map that are not there yet.

    Attributes:
        running: Those that are being made.
        claims: Tell other runs which these are.
        progress: Counts what ended.
        max_in_flight: How many are made at a time.
        made: Ids of what was made here, to which it adds.
        outcomes: What ended, by the items' ids.
    """

    running: Running
    claims: Claims
    progress: Progress
    max_in_flight: int
    made: set[str]
    outcomes: dict[str, Any] = field(default_factory=dict)
    _elsewhere: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, item: Any, outcome: Record, *, reused: bool = False) -> None:
        """Note how an item ended."""
        self.outcomes[item.item_id] = outcome
        self.progress.add(outcome, item, reused=reused)
        if not (reused or isinstance(outcome, Skipped)):
            self.made.add(item.item_id)

    def begin(self, key: str, item: Any) -> None:
        """Start an item when there is room, unless another run makes it."""
        if not self.claims.claim(key):
            self._elsewhere.append((key, item))
        elif (found := self.running.work.find(key)) is not None:  # it was committed just now
            self.claims.release(key)
            self.add(item, found, reused=True)
        else:
            if len(self.running) >= self.max_in_flight:
                self._collect()
            self.running.submit(key, item)

    def finish(self) -> None:
        """Wait for all that is in flight, here and elsewhere."""
        if self._elsewhere:
            names = ", ".join(item.item_id for _, item in self._elsewhere[:_NUM_NAMED])
            logger.info("%d made by another run: %s", len(self._elsewhere), names)
        while self.running or self._elsewhere:
            if self.running:
                self._collect()
            else:
                time.sleep(CLAIM_POLL_S)
            waiting, self._elsewhere = self._elsewhere, []
            for key, item in waiting:
                self.begin(key, item)

    def _collect(self) -> None:
        key, item, outcome = self.running.next_ended()
        self.claims.release(key)
        self.add(item, outcome)


def _may_pass(outcome: Record) -> bool:
    return isinstance(outcome, Skipped) and outcome.may_pass


def _outcome_type(function: Any) -> type[Record]:
    """Record type that an item function is annotated to return."""
    outcome = typing.get_type_hints(function).get("return")
    if not (isinstance(outcome, type) and issubclass(outcome, Record)):
        raise TypeError(f"annotate {function!r} with the Record that it returns")
    return outcome


def _check_unique(item_ids: list[str]) -> None:
    """Raise unless each id, which decides an item's draws, stands once."""
    if len(set(item_ids)) < len(item_ids):
        twice = next(each for each in item_ids if item_ids.count(each) > 1)
        raise DataError(f"expected items with ids of their own, got {twice!r} twice: rename one")


def _find_all(work: ItemWork, items: Sequence[Any]) -> Iterator[tuple[str, Record | None, bool]]:
    """Keys of all items, and those that are committed; an object store answers slowly."""

    def find(item: Record) -> tuple[str, Record | None, bool]:
        key = work.key(item)
        return key, *work.look_up(key)

    with ThreadPoolExecutor(_NUM_READERS) as pool:
        for start in range(0, len(items), _NUM_LOOKED_UP):
            yield from pool.map(find, items[start : start + _NUM_LOOKED_UP])
