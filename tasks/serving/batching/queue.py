"""Who waits for a version's worker: first come, first served, in company if it may be shared."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from tasks.bundle.manifest import Bundle
from tasks.serving.batching.forms import Form
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.heads import signature_of
from tasks.serving.types import Code, Question, RequestError

TicketT = TypeVar("TicketT")
_MAX_FORMS = 256


@dataclass(slots=True, eq=False)
class Waiting(Generic[TicketT]):
    """A question that waits.

    Attributes:
        question: What is asked.
        ticket: How whoever asked is found again, as a future.
        came_s: When it came.
        num_items: Items that it holds.
        lane: What it has in common with all that may share a batch with it.
    """

    question: Question
    ticket: TicketT
    came_s: float
    num_items: int
    lane: Hashable


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Generic[TicketT]):
    """Questions that are asked as one.

    Attributes:
        form: Their signature.
        signature: What it is asked as.
        members: The questions, oldest first.
        num_items: Items of all.
    """

    form: Form
    signature: str
    members: tuple[Waiting[TicketT], ...]
    num_items: int


class Queue(Generic[TicketT]):
    """Questions for one version; it is told the time, and has no thread, timer or lock.

    What is added comes out of `take` once, or never: if its client is gone by then, or somebody who
    sees that its deadline has passed drops it.
    """

    def __init__(
        self, bundle: Bundle, limits: BatchLimits, is_gone: Callable[[TicketT], bool]
    ) -> None:
        """Begin empty.

        Args:
            bundle: What the version's bundle says.
            limits: Sizes and waits.
            is_gone: Whether nobody waits for the answer to a ticket any more.
        """
        self.limits, self._is_gone = limits, is_gone
        self._form = lru_cache(_MAX_FORMS)(lambda name: Form(signature_of(bundle, name)))
        self._order: OrderedDict[Waiting[TicketT], None] = OrderedDict()
        self._lanes: dict[Hashable, OrderedDict[Waiting[TicketT], None]] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._order)

    def __iter__(self) -> Iterator[Waiting[TicketT]]:
        """Those that wait, the oldest first, as they are now."""
        return iter(tuple(self._order))

    def add(self, question: Question, ticket: TicketT, now_s: float) -> Waiting[TicketT]:
        """Let a question wait.

        Raises:
            RequestError: UNAVAILABLE, so many wait already; INVALID_ARGUMENT, it holds more items
                than one may.
        """
        form, limits = self._form(question.signature), self.limits
        num_items = form.num_items(question.arrays)
        if num_items > limits.max_items:
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"expected at most {limits.max_items} items a request, got {num_items}; ask for "
                "them in several",
            )
        if len(self._order) >= limits.max_enqueued:
            self._make_room(question)
        lane = form.lane(question.signature, question.arrays)
        one = Waiting(question, ticket, now_s, num_items, lane)
        if lane is None:
            one.lane = one
        self._enter(one)
        return one

    def take(self, now_s: float) -> Batch[TicketT] | None:
        """Take what a free worker should do next; None if nothing waits or it may still fill up.

        The oldest goes first, and with it those of its lane that came next, up to the greatest
        batch.
        """
        while self._order:
            first = next(iter(self._order))
            lane: Hashable = first.lane
            if now_s < first.came_s + self.limits.batch_timeout_s and not self._is_full(lane):
                lane = next((each for each in self._lanes if self._is_full(each)), None)
                if lane is None:
                    return None
            company = tuple(self._company(lane))
            for each in company:
                self.drop(each)
            members = tuple(each for each in company if not self._is_gone(each.ticket))
            if members:
                name, num_items = members[0].question.signature, sum(e.num_items for e in members)
                return Batch(self._form(name), name, members, num_items)
        return None

    def return_alone(self, batch: Batch[TicketT]) -> None:
        """Put the members of a batch back, the first ones, each to be taken alone."""
        for each in reversed(batch.members):
            each.lane = each
            self._enter(each)
            self._order.move_to_end(each, last=False)

    def clear(self) -> tuple[Waiting[TicketT], ...]:
        """Forget all; returns those that waited."""
        found = tuple(self._order)
        self._order.clear()
        self._lanes.clear()
        return found

    def due_s(self) -> float | None:
        """When `take` gives something though nobody else comes; None if nothing waits."""
        first = next(iter(self._order), None)
        return None if first is None else first.came_s + self.limits.batch_timeout_s

    def drop(self, one: Waiting[TicketT]) -> bool:
        """Forget a question, as when its client is gone; whether it still waited."""
        if one not in self._order:
            return False
        del self._order[one]
        lane = self._lanes[one.lane]
        del lane[one]
        if not lane:
            del self._lanes[one.lane]
        return True

    def _enter(self, one: Waiting[TicketT]) -> None:
        self._order[one] = None
        self._lanes.setdefault(one.lane, OrderedDict())[one] = None

    def _make_room(self, question: Question) -> None:
        for each in self:
            if self._is_gone(each.ticket):
                self.drop(each)
        if len(self._order) >= self.limits.max_enqueued:
            raise RequestError(
                Code.UNAVAILABLE,
                f"{question.model} version {question.version}: {len(self._order)} requests wait "
                "already, as many as may; ask again later",
            )

    def _company(self, lane: Hashable) -> Iterator[Waiting[TicketT]]:
        num_items = 0
        for each in self._lanes[lane]:
            num_items += each.num_items
            if num_items > each.num_items and num_items > self.limits.max_batch_size:
                return
            yield each

    def _is_full(self, lane: Hashable) -> bool:
        num_items = 0
        for each in self._lanes[lane]:
            num_items += each.num_items
            if num_items >= self.limits.max_batch_size:
                return True
        return False
