"""Who waits comes out once, in order, in company of its kind, and nobody is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tasks.serving.batching.limits import BatchLimits
from tasks.serving.batching.queue import Batch, Queue
from tasks.serving.types import Code, Question, RequestError
from tests.support.serving.bundles import LONE, TAGS, bundle


def ask(signature: str = "tags", num_items: int = 1, length: int = 5) -> Question:
    shape = (num_items, length) if signature != "lone" else (3,)
    return Question("some", 3, signature, {"x": np.ones(3), "words": np.ones(shape, np.int64)})


def queue(gone: str = "", **limits: Any) -> Queue[str]:
    bundle_of_all = bundle(**bundle().signatures, lone=LONE)
    return Queue(bundle_of_all, BatchLimits(**limits), lambda ticket: ticket in gone)


def tickets(batch: Batch[str] | None) -> str:
    return "" if batch is None else "".join(each.ticket for each in batch.members)


def test_one_alone_goes_at_once() -> None:
    waiting = queue(max_batch_size=8)
    assert waiting.take(0.0) is None
    assert waiting.due_s() is None
    waiting.add(ask(), "a", 1.0)
    assert waiting.due_s() == 1.0
    batch = waiting.take(1.0)
    assert batch is not None
    assert (tickets(batch), batch.num_items, batch.signature) == ("a", 1, "tags")
    assert len(waiting) == 0


def test_all_that_fit_go_together_in_order() -> None:
    waiting = queue(max_batch_size=4)
    for ticket, num in zip("abcd", (1, 2, 2, 1), strict=True):
        waiting.add(ask(num_items=num), ticket, 0.0)
    assert [tickets(waiting.take(0.0)) for _ in range(3)] == ["ab", "cd", ""]


def test_one_that_is_larger_than_a_batch_goes_alone() -> None:
    waiting = queue(max_batch_size=4)
    for ticket, num in zip("abc", (9, 1, 1), strict=True):
        waiting.add(ask(num_items=num), ticket, 0.0)
    assert [tickets(waiting.take(0.0)) for _ in range(2)] == ["a", "bc"]


def test_other_signatures_go_by_themselves_the_oldest_first() -> None:
    waiting = queue(max_batch_size=4)
    for ticket, name in zip(
        "abcdef", ("tags", "number", "lone", "tags", "lone", "number"), strict=True
    ):
        waiting.add(ask(name), ticket, 0.0)
    assert [tickets(waiting.take(0.0)) for _ in range(4)] == ["ad", "bf", "c", "e"]


def test_a_timeout_lets_a_batch_fill_up() -> None:
    waiting = queue(max_batch_size=2, batch_timeout_s=0.5)
    waiting.add(ask(), "a", 1.0)
    assert waiting.take(1.4) is None
    assert waiting.due_s() == 1.5
    waiting.add(ask("number"), "b", 1.1)
    waiting.add(ask("number"), "c", 1.1)
    assert tickets(waiting.take(1.4)) == "bc", "full, though it came later"
    assert tickets(waiting.take(1.5)) == "a"


def test_a_full_queue_and_too_many_items_are_refused() -> None:
    waiting = queue(max_batch_size=1, max_enqueued=2, max_items=3)
    with pytest.raises(RequestError, match="at most 3 items a request, got 4") as caught:
        waiting.add(ask(num_items=4), "x", 0.0)
    assert caught.value.code is Code.INVALID_ARGUMENT
    one = waiting.add(ask(), "a", 0.0)
    waiting.add(ask(), "b", 0.0)
    with pytest.raises(RequestError, match="some version 3: 2 requests wait already") as caught:
        waiting.add(ask(), "c", 0.0)
    assert caught.value.code is Code.UNAVAILABLE
    assert waiting.drop(one)
    assert not waiting.drop(one)
    waiting.add(ask(), "c", 0.0)
    assert [each.ticket for each in waiting] == ["b", "c"]
    assert tickets(waiting.take(0.0)) == "b"


def test_who_is_gone_is_not_asked_and_takes_nobody_s_place() -> None:
    waiting = queue(gone="xyz", max_batch_size=4, max_enqueued=4)
    for ticket in "axby":
        waiting.add(ask(), ticket, 0.0)
    waiting.add(ask(), "c", 0.0)
    assert [each.ticket for each in waiting] == ["a", "b", "c"], "there was room"
    waiting.add(ask("number"), "z", 0.0)
    assert [tickets(waiting.take(0.0)) for _ in range(2)] == ["abc", ""]
    assert len(waiting) == 0


def test_members_of_a_batch_that_came_back_go_first_and_alone() -> None:
    waiting = queue(max_batch_size=4)
    for ticket in "abcde":
        waiting.add(ask(), ticket, 0.0)
    batch = waiting.take(0.0)
    assert batch is not None
    waiting.return_alone(batch)
    assert [tickets(waiting.take(0.0)) for _ in range(2)] == ["a", "b"]
    assert "".join(each.ticket for each in waiting.clear()) == "cde"
    assert waiting.take(0.0) is None


class AnyOrder(RuleBasedStateMachine):
    """Adds, drops and takes in any order; a list says what must come out."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue[int] = Queue(bundle(), BatchLimits(4, 0.5, max_enqueued=9), bool)
        self.expected: list[Any] = []
        self.now_s = 0.0

    @rule(name=st.sampled_from(["tags", "number"]), num=st.integers(1, 6))
    def add(self, name: str, num: int) -> None:
        if len(self.expected) == 9:
            with pytest.raises(RequestError):
                self.queue.add(ask(name, num), 0, self.now_s)
        else:
            self.expected.append(self.queue.add(ask(name, num), 0, self.now_s))

    @rule(wait_s=st.sampled_from([0.1, 0.5]))
    def wait(self, wait_s: float) -> None:
        self.now_s += wait_s

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.expected))
        assert self.queue.drop(one)
        self.expected.remove(one)

    @rule()
    def take(self) -> None:
        batch = self.queue.take(self.now_s)
        due_s = self.queue.due_s()
        if batch is None:
            assert due_s is None or due_s > self.now_s
            return
        same = [each for each in self.expected if each.lane == batch.members[0].lane]
        assert list(batch.members) == same[: len(batch.members)]
        assert batch.num_items <= 4 or len(batch.members) == 1
        for each in batch.members:
            self.expected.remove(each)

    @invariant()
    def all_are_there(self) -> None:
        assert list(self.queue) == self.expected


TestAnyOrder = AnyOrder.TestCase


def test_a_form_is_made_once() -> None:
    waiting = queue(max_batch_size=1)
    waiting.add(ask(), "a", 0.0)
    waiting.add(ask(), "b", 0.0)
    batches = [waiting.take(0.0) for _ in range(2)]
    assert batches[0] is not None
    assert batches[1] is not None
    assert batches[0].form is batches[1].form
    assert batches[0].form.signature is TAGS or batches[0].form.signature == TAGS
