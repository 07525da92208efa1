"""Brings questions to a worker whenever it is free, and answers back to whoever asked."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from operators.serving.workers.worker import Worker
from tasks.bundle.manifest import Bundle
from tasks.core.errors import OrreryError, WorkerLostError
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.batching.merging import merge, split
from tasks.serving.batching.queue import Batch, Queue, Waiting
from tasks.serving.turns import Turns
from tasks.serving.types import Answered, Arrays, Code, Question, RequestError, code_of

Ticket = asyncio.Future[Answered]
_LEAST_WAIT_S: Final = 0.001
logger = logging.getLogger(__name__)


class Pump:
    """The queue of one version, and the batch that its worker has while it has a turn.

    Requests to a granular network are given to the worker one by one, as many as would make a
    batch; they share less than that there.

    Attributes:
        model: Name of the model.
    """

    def __init__(
        self,
        model: str,
        version: int,
        bundle: Bundle,
        limits: BatchLimits,
        turns: Turns,
        *,
        is_granular: bool = False,
    ) -> None:
        """Begin without a worker: what is asked waits for one.

        Args:
            model: Name of the model.
            version: Number of the version that answers.
            bundle: What its bundle says.
            limits: How its batches are made.
            turns: Whose batch is next, among all models.
            is_granular: Whether its network is; see `tasks.serving.batching.granular`.
        """
        self._loop = asyncio.get_running_loop()
        self.model, self._version, self._turns = model, version, turns
        self._where, self._is_granular = f"{model} version {version}", is_granular
        self._queue: Queue[Ticket] = Queue(bundle, limits, asyncio.Future.done)
        self.limit(limits)
        self._batches: set[Batch[Ticket]] = set()  # that the worker has
        self._turn_s: float | None = None  # since when it has a turn
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
        return not self._batches and not self._queue

    def limit(self, limits: BatchLimits) -> None:
        """Make the next batches otherwise."""
        self._room = limits.max_batch_size if self._is_granular else 1
        if self._is_granular:
            limits = replace(limits, max_batch_size=1, batch_timeout_s=0.0, allowed=())
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
        self._turns.forget(self)
        self._fail(self._queue.clear(), WorkerLostError(reason))

    def begin(self) -> None:
        """Use a turn; see `Turns`."""
        self._turn_s = time.monotonic()
        self._fill()
        if not self._batches:
            self._end_turn(0.0, wants_more=False)

    def _pump(self) -> None:
        """See that the worker gets what has come, if it is free and has a turn."""
        self._is_due = False
        if self._turn_s is None:
            if self._queue and self._is_served:
                self._turns.want(self)
        elif not self._turns.is_wanted:
            self._fill()

    @property
    def _is_served(self) -> bool:
        return self._worker is not None and self._worker.is_open

    def _fill(self) -> None:
        """Give the worker what is next, until it has as much as it takes."""
        while self._worker is not None and self._is_served and len(self._batches) < self._room:
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
            self._batches.add(batch)
            self._worker.ask(
                batch.signature,
                arrays,
                partial(self._answered, batch, now_s),
                partial(self._refused, batch),
                is_alone=not self._is_granular,
            )

    def _done(self, batch: Batch[Ticket], taken_s: float | None) -> None:
        """Let the worker go on, or give the turn back, before a batch is told what came of it."""
        self._batches.discard(batch)
        if self._turn_s is None:
            return
        if self._is_granular and not self._turns.is_wanted:
            self._fill()
        if not self._batches:
            held_s = time.monotonic() - self._turn_s
            used_s = held_s if taken_s is None or self._is_granular else taken_s
            self._end_turn(used_s, wants_more=bool(self._queue) and self._is_served)

    def _end_turn(self, used_s: float, *, wants_more: bool) -> None:
        self._turn_s = None
        self._turns.end(self, used_s, wants_more=wants_more)

    def _wait_for_company(self, now_s: float) -> None:
        due_s = self._queue.due_s()
        if due_s is not None and self._timer is None:
            self._timer = self._loop.call_later(max(due_s - now_s, _LEAST_WAIT_S), self._is_time)

    def _is_time(self) -> None:
        self._timer = None
        self._pump()

    def _answered(
        self, batch: Batch[Ticket], taken_s: float, arrays: Arrays, computed_s: float
    ) -> None:
        self._done(batch, computed_s)
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

    def _refused(self, batch: Batch[Ticket], error: OrreryError) -> None:
        """A batch failed: what is one member's fault must not be the others', so ask each alone."""
        if len(batch.members) > 1 and not isinstance(error, WorkerLostError):
            self._queue.return_alone(batch)
        else:
            self._fail(batch.members, error)
        self._done(batch, None)

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
        computed = [one for batch in self._batches for one in batch.members]
        for each in (*self._queue, *computed):
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
