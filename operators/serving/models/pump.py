"""Brings questions to a worker whenever it is free, and answers back to whoever asked."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterable
from typing import Final

from operators.serving.workers.worker import Worker
from tasks.bundle.manifest import Bundle
from tasks.core.errors import OrreryError, WorkerLostError
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.batching.merging import merge, split
from tasks.serving.batching.queue import Batch, Queue, Waiting
from tasks.serving.types import Answered, Arrays, Code, Question, RequestError, code_of

Ticket = asyncio.Future[Answered]
_LEAST_WAIT_S: Final = 0.001
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
        self._queue: Queue[Ticket] = Queue(bundle, limits, asyncio.Future.done)
        self._batch: Batch[Ticket] | None = None
        self._taken_s = 0.0
        self._worker: Worker | None = None
        self._ended = ""
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None  # the oldest has waited long enough
        self._alarm: asyncio.TimerHandle | None = None  # a deadline passes
        self._alarm_s = math.inf

    @property
    def num_waiting(self) -> int:
        """Requests that wait for the worker."""
        return len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits, and nothing is computed."""
        return self._batch is None and not self._queue

    def limit(self, limits: BatchLimits) -> None:
        """Make the next batches otherwise."""
        self._queue.limits = limits

    def use(self, worker: Worker) -> None:
        """Let a worker answer from now on; without one all wait."""
        self._worker = worker
        self._pump()

    def ask(self, question: Question) -> Ticket:
        """Let a question wait for its answer; whoever cancels the future takes it back.

        Raises:
            RequestError: Nobody will answer, too many wait, or it is too large.
        """
        if self._ended:
            raise RequestError(Code.UNAVAILABLE, f"{self._where}: {self._ended}")
        ticket: Ticket = self._loop.create_future()
        self._queue.add(question, ticket, time.monotonic())
        if question.deadline_s < self._alarm_s:
            self._set_alarm(question.deadline_s)
        if not self._is_due:  # all that came at once share a batch
            self._is_due = True
            self._loop.call_soon(self._pump)
        return ticket

    def close(self, reason: str) -> None:
        """Tell all that wait, or ask from now on, that nobody will answer."""
        self._worker, self._ended = None, reason
        for timer in (self._alarm, self._timer):  # each would keep all this until it rings
            if timer is not None:
                timer.cancel()
        self._fail(self._queue.clear(), WorkerLostError(reason))

    def _pump(self) -> None:
        """Give the worker what is next, if it is free."""
        self._is_due = False
        while self._worker is not None and self._worker.is_open and self._batch is None:
            now_s = time.monotonic()
            batch = self._queue.take(now_s)
            if batch is None:
                self._wait_for_company(now_s)
                return
            try:
                arrays = merge(batch, self._queue.limits.allowed)
            except Exception as error:
                self._fail(batch.members, error)
                continue
            self._batch, self._taken_s = batch, now_s
            self._worker.ask(batch.signature, arrays, self._answered, self._refused)

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
            self._fail(batch.members, error)
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
                self._queue.return_alone(batch)
            else:
                self._fail(batch.members, error)
        self._pump()

    def _fail(self, members: Iterable[Waiting[Ticket]], error: Exception) -> None:
        told = str(error)
        if not isinstance(error, OrreryError):
            logger.error("%s: a batch failed", self._where, exc_info=error)
            told = (
                f"its batch failed ({type(error).__name__}: {error}); the server's log says where"
            )
        for each in members:
            if not each.ticket.done():
                each.ticket.set_exception(RequestError(code_of(error), f"{self._where}: {told}"))

    def _set_alarm(self, deadline_s: float) -> None:
        """Look at the deadlines at the first of them: of many requests few set the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_s = deadline_s
        wait_s = max(deadline_s - time.monotonic(), _LEAST_WAIT_S)
        self._alarm = self._loop.call_later(wait_s, self._expire)

    def _expire(self) -> None:
        now_s, next_s = time.monotonic(), math.inf
        for each in (*self._queue, *(self._batch.members if self._batch else ())):
            due_s = each.question.deadline_s
            if due_s > now_s:
                next_s = min(next_s, due_s)
                continue
            place = "waited" if self._queue.drop(each) else "was computed"
            if not each.ticket.done():
                told = f"{self._where}: Timed out: its deadline passed while it {place}"
                each.ticket.set_exception(RequestError(Code.DEADLINE_EXCEEDED, told))
        self._alarm, self._alarm_s = None, math.inf
        if next_s < math.inf:
            self._set_alarm(next_s)
