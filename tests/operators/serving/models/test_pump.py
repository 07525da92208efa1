"""Questions on their way to a worker and back; the worker here answers when it is told to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from operators.serving.models.pump import Pump, Ticket
from operators.serving.workers.worker import OnAnswer, OnRefusal
from tasks.bundle.manifest import Bundle
from tasks.core.errors import DataError, OrreryError, ResourceError, WorkerLostError
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.turns import Turns
from tasks.serving.types import Arrays, Code, Question, RequestError
from tests.support.serving.faulty_bundles import faulty


class Hand:
    """A worker that does nothing by itself."""

    def __init__(self) -> None:
        self.is_open = True
        self.given: list[Arrays] = []
        self._told: tuple[OnAnswer, OnRefusal] | None = None

    def ask(
        self, _: str, arrays: Arrays, on_answer: OnAnswer, on_refusal: OnRefusal, **_more: bool
    ) -> None:
        assert self._told is None, "one batch at a time"
        self.given.append(arrays)
        self._told = on_answer, on_refusal

    @property
    def is_asked(self) -> bool:
        return self._told is not None

    def answer(self) -> None:
        (on_answer, _), self._told = self._told, None
        on_answer({"y": self.given[-1]["x"] * 2}, 0.5)

    def refuse(self, error: OrreryError) -> None:
        (_, on_refusal), self._told = self._told, None
        on_refusal(error)

    @property
    def sizes(self) -> list[int]:
        return [len(each["x"]) for each in self.given]


class Many:
    """A worker that has several requests, and answers whichever it is told to."""

    is_open = True

    def __init__(self) -> None:
        self.told: list[tuple[Arrays, OnAnswer, OnRefusal]] = []

    def ask(
        self, _: str, arrays: Arrays, on_answer: OnAnswer, on_refusal: OnRefusal, *, is_alone: bool
    ) -> None:
        assert not is_alone
        self.told.append((arrays, on_answer, on_refusal))

    def answer(self, number: int) -> None:
        arrays, on_answer, _ = self.told.pop(number)
        on_answer({"y": arrays["x"] * 2}, 0.5)

    def refuse(self, number: int, error: OrreryError) -> None:
        self.told.pop(number)[2](error)


async def code_of(ticket: Ticket) -> Code:
    try:
        await ticket
    except RequestError as error:
        return error.code
    return Code.OK


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return faulty(tmp_path_factory.mktemp("bundles") / "b")


def question(*values: float, **more: Any) -> Question:
    x = np.array([[each, each] for each in values], np.float32)
    return Question("m", 3, "predict", {"x": x}, **more)


def run(
    bundle: Bundle, test: Callable[[Pump, Hand], Coroutine[Any, Any, None]], **more: Any
) -> None:
    async def inside() -> None:
        pump, hand = Pump("m", 3, bundle, BatchLimits(8, **more), Turns(1)), Hand()
        pump.use(hand)  # type: ignore[arg-type]
        await test(pump, hand)
        assert pump.is_idle

    asyncio.run(inside())


async def a_moment() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_what_comes_at_once_shares_a_batch_and_what_comes_later_the_next(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        first = [pump.ask(question(1)), pump.ask(question(2, 3))]
        await a_moment()
        later = [pump.ask(question(each)) for each in (4, 5, 6)]
        await a_moment()
        assert hand.sizes == [3]
        assert pump.num_waiting == 3
        hand.answer()
        assert hand.sizes == [3, 3], "the next batch does not wait for anybody"
        hand.answer()
        found = [await each for each in (*first, *later)]
        assert [each.arrays["y"][:, 0].tolist() for each in found] == [[2], [4, 6], [8], [10], [12]]
        assert [each.batch_size for each in found] == [3] * 5
        assert {each.version for each in found} == {3}
        assert all(each.computed_s == 0.5 and each.queued_s >= 0 for each in found)

    run(bundle, test)


def test_what_is_one_member_s_fault_is_not_the_others(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        tickets = [pump.ask(question(each)) for each in (1, 2, 3)]
        await a_moment()
        hand.refuse(DataError("a value is odd"))
        hand.answer()
        hand.refuse(DataError("2 is odd"))
        hand.answer()
        assert hand.sizes == [3, 1, 1, 1]
        assert (await tickets[0]).arrays["y"].tolist() == [[2, 2]]
        with pytest.raises(RequestError, match="m version 3: 2 is odd") as refused:
            await tickets[1]
        assert refused.value.code == Code.INVALID_ARGUMENT
        assert (await tickets[2]).arrays["y"].tolist() == [[6, 6]]

    run(bundle, test)


def test_a_lost_worker_costs_its_batch_and_what_waits_is_the_next_one_s(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        lost = [pump.ask(question(each)) for each in range(8)]
        await a_moment()
        waits = pump.ask(question(9))
        hand.is_open = False
        hand.refuse(WorkerLostError("ended with SIGKILL"))
        for each in lost:
            with pytest.raises(RequestError, match="SIGKILL") as refused:
                await each
            assert refused.value.code == Code.UNAVAILABLE
        assert pump.num_waiting == 1
        other = Hand()
        pump.use(other)  # type: ignore[arg-type]
        other.answer()
        assert (await waits).arrays["y"].tolist() == [[18, 18]]

    run(bundle, test)


def test_a_batch_without_memory_says_so(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        ticket = pump.ask(question(1))
        await a_moment()
        hand.refuse(ResourceError("the limit is too low"))
        with pytest.raises(RequestError, match="too low") as refused:
            await ticket
        assert refused.value.code == Code.RESOURCE_EXHAUSTED

    run(bundle, test)


def test_a_deadline_holds_while_one_waits_and_while_it_is_computed(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        now_s = time.monotonic()
        computed = pump.ask(question(1, deadline_s=now_s + 0.05))
        await a_moment()
        waits = pump.ask(question(2, deadline_s=now_s + 0.02))
        patient = pump.ask(question(3, deadline_s=now_s + 60))
        for ticket, where in ((waits, "it waited"), (computed, "it was computed")):
            with pytest.raises(RequestError, match=where) as refused:
                await ticket
            assert refused.value.code == Code.DEADLINE_EXCEEDED
        assert 0.05 <= time.monotonic() - now_s < 1
        hand.answer()
        hand.answer()
        assert hand.sizes == [1, 1], "the late one never came to the worker"
        assert (await patient).arrays["y"].tolist() == [[6, 6]]

    run(bundle, test)


def test_who_goes_away_is_dropped_before_the_worker(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        first = pump.ask(question(1))
        await a_moment()
        goes, stays = pump.ask(question(2)), pump.ask(question(3))
        goes.cancel()
        hand.answer()
        hand.answer()
        assert hand.given[1]["x"][:, 0].tolist() == [3]
        await first
        await stays

    run(bundle, test)


def test_more_than_may_wait_are_refused_at_once(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        tickets = [pump.ask(question(1)), pump.ask(question(2))]
        with pytest.raises(RequestError, match="2 requests wait already") as refused:
            pump.ask(question(3))
        assert refused.value.code == Code.UNAVAILABLE
        await a_moment()
        hand.answer()
        await asyncio.gather(*tickets)

    run(bundle, test, max_enqueued=2)


def test_with_a_timeout_a_batch_waits_until_it_is_full_or_old(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        tickets = [pump.ask(question(1))]
        await a_moment()
        assert hand.sizes == []
        tickets += [pump.ask(question(*range(7)))]
        await a_moment()
        assert hand.sizes == [8]
        hand.answer()
        begun_s = time.monotonic()
        tickets += [pump.ask(question(2))]
        while len(hand.sizes) < 2:
            await asyncio.sleep(0.005)
        assert time.monotonic() - begun_s >= 0.045
        hand.answer()
        await asyncio.gather(*tickets)

    run(bundle, test, batch_timeout_s=0.05)


def test_an_odd_answer_fails_its_batch_alone(bundle, caplog):
    async def test(pump: Pump, hand: Hand) -> None:
        odd = pump.ask(question(1, outputs=("y",)))
        await a_moment()
        good = pump.ask(question(2))
        (on_answer, _), hand._told = hand._told, None
        on_answer({}, 0.1)
        hand.answer()
        assert (await good).arrays["y"].tolist() == [[4, 4]]
        with pytest.raises(RequestError, match="KeyError") as refused:
            await odd
        assert refused.value.code == Code.INTERNAL

    run(bundle, test)
    assert "a batch failed" in caplog.text


def test_all_that_wait_are_told_at_the_end(bundle):
    async def test(pump: Pump, hand: Hand) -> None:
        begun = pump.ask(question(1))
        await a_moment()
        waits = pump.ask(question(2))
        pump.close("it was unloaded")
        with pytest.raises(RequestError, match="it was unloaded"):
            await waits
        with pytest.raises(RequestError, match="it was unloaded"):
            pump.ask(question(3))
        hand.answer()
        assert (await begun).arrays["y"].tolist() == [[2, 2]]

    run(bundle, test)


def test_models_take_turns_where_slots_are_fewer_and_a_free_one_waits_for_nobody(bundle):
    async def inside() -> None:
        turns, order = Turns(1), []
        pumps = {name: Pump(name, 1, bundle, BatchLimits(1), turns) for name in "ab"}
        hands = {name: Hand() for name in "ab"}
        for name, pump in pumps.items():
            pump.use(hands[name])  # type: ignore[arg-type]
        tickets = [pumps[name].ask(question(1)) for name in "aaabbb"]
        await a_moment()
        while not all(each.done() for each in tickets):
            (name,) = (key for key, each in hands.items() if each.is_asked)  # one has the slot
            order.append(name)
            hands[name].answer()
            await a_moment()
        assert "".join(order) == "ababab"
        alone = pumps["a"].ask(question(1))
        await a_moment()
        hands["a"].answer()
        assert (await alone).batch_size == 1
        assert all(pump.is_idle for pump in pumps.values())

    asyncio.run(inside())


def test_requests_to_a_granular_network_are_under_way_side_by_side_until_others_want_the_slot(
    bundle,
):
    async def inside() -> None:
        turns = Turns(1)
        flow = Pump("flow", 1, bundle, BatchLimits(3), turns, is_granular=True)
        other = Pump("other", 1, bundle, BatchLimits(3), turns)
        many, hand = Many(), Hand()
        flow.use(many)  # type: ignore[arg-type]
        other.use(hand)  # type: ignore[arg-type]
        tickets = [flow.ask(question(each)) for each in range(5)]
        await a_moment()
        assert len(many.told) == 3
        many.answer(1)
        assert (await tickets[1]).arrays["y"][0, 0] == 2
        assert len(many.told) == 3, "another took its place"
        waits = other.ask(question(7))
        await a_moment()
        many.answer(0)
        assert len(many.told) == 2, "nobody takes its place, since another model waits"
        many.refuse(0, DataError("odd"))
        assert not hand.is_asked
        many.answer(0)
        hand.answer()
        assert (await waits).arrays["y"][0, 0] == 14
        many.answer(0)
        codes = [await code_of(each) for each in tickets]
        assert codes.count(Code.OK) == 4
        assert codes.count(Code.INVALID_ARGUMENT) == 1
        assert flow.is_idle
        assert other.is_idle

    asyncio.run(inside())
