"""Brings questions to a worker whenever it is free, and answers back to whoever asked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from operators.serving.workers.worker import Worker
from tasks.bundle.manifest import Bundle
from tasks.core.errors import DataError, OrreryError, ResourceError, WorkerLostError
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.batching.merging import merge, split
from tasks.serving.batching.queue import Batch, Queue, Waiting
from tasks.serving.types import Answered, Arrays, Code, Question, RequestError

Ticket = asyncio.Future[Answered]

_CODES: Final = {
    DataError: Code.INVALID_ARGUMENT,
    ResourceError: Code.RESOURCE_EXHAUSTED,
    WorkerLostError: Code.UNAVAILABLE,
}
_LEAST_WAIT_S = 0.001
logger = logging.getLogger(__name__)


class Pump:
    """The queue of one version, and the batch that its worker has."""

    def __init__(self, where: str, version: int, bundle: Bundle, limits: BatchLimits) -> None:
        """Begin without a worker: what is asked waits for one.

        Args:
            where: What is asked, for messages.
            version: Number of the version that answers.
            bundle: What its bundle says.
            limits: How its batches are made.
        """
        self._loop = asyncio.get_running_loop()
        self._where, self._version = where, version
        self._queue: Queue[Ticket] = Queue(bundle, limits)
        self._alone: deque[Batch[Ticket]] = deque()  # of a batch that was refused
        self._batch: Batch[Ticket] | None = None
        self._taken_s = 0.0
        self._worker: Worker | None = None
        self._deadlines: dict[Waiting[Ticket], float] = {}
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_s = 0.0

    @property
    def num_waiting(self) -> int:
        """Requests that wait for the worker."""
        return len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, and nothing is computed."""
        return self._batch is None and not self._queue and not self._alone

    def limit(self, limits: BatchLimits) -> None:
        """Make the next batches otherwise."""
        self._queue.limits = limits

    def use(self, worker: Worker | None) -> None:
        """Let a worker answer from now on; without one all wait."""
        self._worker = worker
        self._pump()

    def ask(self, question: Question) -> Ticket:
        """Let a question wait for its answer; whoever cancels the future takes it back.

        Raises:
            RequestError: Too many wait, or it is too large.
        """
        ticket: Ticket = self._loop.create_future()
        waiting = self._queue.add(question, ticket, time.monotonic())
        ticket.add_done_callback(partial(self._forget, waiting))
        if question.deadline_s is not None:
            self._deadlines[waiting] = question.deadline_s
            self._set_alarm(question.deadline_s)
        if not self._is_due:  # all that came at once share a batch
            self._is_due = True
            self._loop.call_soon(self._pump)
        return ticket

    def refuse_all(self, message: str) -> None:
        """Tell all that wait that nobody will answer."""
        error, self._worker = WorkerLostError(message), None
        for timer in (self._alarm, self._timer):  # each would keep all this until it rings
            if timer is not None:
                timer.cancel()
        while self._alone:
            self._fail(self._alone.popleft().members, error)
        while self._queue:
            first = next(iter(self._queue))
            self._queue.drop(first)
            self._fail([first], error)

    def _pump(self) -> None:
        """Give the worker what is next, if it is free."""
        self._is_due = False
        while self._worker is not None and self._worker.is_open and self._batch is None:
            now_s = time.monotonic()
            batch = self._alone.popleft() if self._alone else self._queue.take(now_s)
            if batch is None:
                self._wait_for_company(now_s)
                return
            left = tuple(each for each in batch.members if not each.ticket.done())
            if len(left) < len(batch.members):
                num_items = sum(each.num_items for each in left)
                batch = replace(batch, members=left, num_items=num_items)
            if left:
                self._begin(self._worker, batch)

    def _begin(self, worker: Worker, batch: Batch[Ticket]) -> None:
        try:
            arrays = merge(batch, self._queue.limits.allowed)
        except Exception as error:
            self._fail_oddly(batch, error)
            return
        self._batch, self._taken_s = batch, time.monotonic()
        worker.ask(batch.signature, arrays, self._answered, self._refused)

    def _wait_for_company(self, now_s: float) -> None:
        due_s = self._queue.due_s()
        if due_s is not None and self._timer is None:
            self._timer = self._loop.call_later(max(due_s - now_s, _LEAST_WAIT_S), self._is_time)

    def _is_time(self) -> None:
        self._timer = None
        self._pump()

    def _answered(self, arrays: Arrays, computed_s: float) -> None:
        batch, taken_s, self._batch = self._batch, self._taken_s, None
        self._pump()  # first, so that the worker goes on meanwhile
        if batch is None:
            return
        try:
            parts = split(batch, arrays)
        except Exception as error:
            self._fail_oddly(batch, error)
            return
        for each, part in zip(batch.members, parts, strict=True):
            if not each.ticket.done():
                queued_s = taken_s - each.came_s
                told = Answered(part, self._version, queued_s, computed_s, batch.num_items)
                each.ticket.set_result(told)

    def _refused(self, error: OrreryError) -> None:
        """A batch failed: what is one member's fault must not be the others', so ask each alone."""
        batch, self._batch = self._batch, None
        if batch is not None:
            if len(batch.members) > 1 and not isinstance(error, WorkerLostError):
                self._alone.extend(
                    replace(batch, members=(each,), num_items=each.num_items)
                    for each in batch.members
                )
            else:
                self._fail(batch.members, error)
        self._pump()

    def _fail(self, members: Iterable[Waiting[Ticket]], error: OrreryError) -> None:
        code = _CODES.get(type(error), Code.INTERNAL)
        for each in members:
            if not each.ticket.done():
                each.ticket.set_exception(RequestError(code, f"{self._where}: {error}"))

    def _fail_oddly(self, batch: Batch[Ticket], error: Exception) -> None:
        logger.error("%s: a batch failed", self._where, exc_info=error)
        told = f"its batch failed ({type(error).__name__}: {error}); the server's log says where"
        self._fail(batch.members, OrreryError(told))

    def _forget(self, waiting: Waiting[Ticket], ticket: Ticket) -> None:
        self._deadlines.pop(waiting, None)
        if ticket.cancelled():
            self._queue.drop(waiting)

    def _set_alarm(self, deadline_s: float) -> None:
        """Look at the deadlines at the first of them: of many requests few set the alarm."""
        if self._alarm is not None:
            if self._alarm_s <= deadline_s:
                return
            self._alarm.cancel()
        self._alarm_s = deadline_s
        wait_s = max(deadline_s - time.monotonic(), _LEAST_WAIT_S)
        self._alarm = self._loop.call_later(wait_s, self._expire)

    def _expire(self) -> None:
        self._alarm, now_s = None, time.monotonic()
        for each in [each for each, due_s in self._deadlines.items() if due_s <= now_s]:
            del self._deadlines[each]
            waited = self._queue.drop(each)
            if not each.ticket.done():
                place = "while it waited" if waited else "while it was computed"
                told = f"{self._where}: Timed out: its deadline passed {place}"
                each.ticket.set_exception(RequestError(Code.DEADLINE_EXCEEDED, told))
        if self._deadlines:
            self._set_alarm(min(self._deadlines.values()))
