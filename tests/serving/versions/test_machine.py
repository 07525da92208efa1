"""Versions come and go without a gap, whatever is asked for and whatever fails."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tasks.serving.types import Code, State
from tasks.serving.versions.machine import Load, Machine, Unload


def served(machine: Machine, *versions: int) -> None:
    """Bring a machine to where versions answer."""
    machine.aspire(versions)
    for each in machine.step(0.0):
        assert isinstance(each, Load)
        machine.loaded(each.version)


def states(machine: Machine) -> dict[int, str]:
    return {each.version: each.state.name for each in machine.status()}


def test_the_new_is_loaded_before_the_old_is_unloaded() -> None:
    machine = Machine()
    served(machine, 1)
    machine.aspire({2})
    assert machine.step(0.0) == [Load(2)]
    assert machine.step(0.0) == []
    assert (states(machine), machine.greatest()) == ({2: "LOADING", 1: "AVAILABLE"}, 1)
    machine.loaded(2)
    assert machine.greatest() == 2
    assert machine.step(0.0) == [Unload(1)]
    assert states(machine) == {2: "AVAILABLE", 1: "UNLOADING"}
    machine.unloaded(1)
    assert (machine.step(0.0), states(machine)) == ([], {2: "AVAILABLE", 1: "END"})


def test_the_old_goes_first_where_room_is_short() -> None:
    machine = Machine("resource", keep_previous=1)
    served(machine, 1)
    machine.aspire({2})
    assert machine.step(0.0) == [Unload(1)]
    assert machine.step(0.0) == []
    machine.unloaded(1)
    assert machine.step(0.0) == [Load(2)]


def test_many_are_loaded_at_once() -> None:
    machine = Machine()
    machine.aspire(range(1, 9))
    assert machine.step(0.0) == [Load(each) for each in range(1, 9)]


def test_going_back_to_a_kept_one_loads_nothing() -> None:
    machine = Machine(keep_previous=1)
    served(machine, 1)
    machine.aspire({2})
    machine.step(0.0)
    machine.loaded(2)
    assert machine.step(0.0) == []
    machine.aspire({1})
    assert (machine.step(0.0), machine.greatest()) == ([], 1)
    machine.aspire({3})
    machine.step(0.0)
    machine.loaded(3)
    assert machine.step(0.0) == [Unload(2)], "1 was asked for last"


def test_a_failed_load_is_tried_again_and_the_old_serves_on() -> None:
    machine = Machine(retry_s=1.0, max_retry_s=3.0)
    served(machine, 1)
    machine.aspire({2})
    now_s, waits = 0.0, []
    for _ in range(4):
        assert machine.step(now_s) == [Load(2)]
        machine.failed(2, Code.DATA_LOSS, "a digest is off", now_s)
        assert machine.step(now_s) == []
        waits.append(machine.due_s() - now_s)
        now_s = machine.due_s()
        assert machine.greatest() == 1
    assert waits == [1.0, 2.0, 3.0, 3.0]
    (failed, _) = machine.status()
    assert (failed.state, failed.code, failed.message) == (
        State.END,
        Code.DATA_LOSS,
        "a digest is off",
    )
    machine.step(now_s)
    machine.loaded(2)
    assert machine.step(now_s) == [Unload(1)]
    assert machine.due_s() == math.inf


def test_a_version_that_is_lost_is_loaded_again() -> None:
    machine = Machine()
    served(machine, 1)
    machine.failed(1, Code.UNAVAILABLE, "its process was killed", 5.0)
    assert (machine.available(), machine.greatest()) == (frozenset(), None)
    assert machine.step(5.9) == []
    assert machine.step(6.0) == [Load(1)]


def test_what_is_no_longer_asked_for_ends_and_is_forgotten() -> None:
    machine = Machine()
    for number in range(30):
        machine.aspire({number})
        machine.step(0.0)
        machine.failed(number, Code.NOT_FOUND, "no such folder", 0.0)
    machine.aspire(())
    machine.step(1e9)
    assert machine.due_s() == math.inf
    assert [*states(machine)] == [*range(29, 9, -1)]


def test_without_any_that_is_asked_for_all_are_unloaded() -> None:
    machine = Machine(keep_previous=3)
    served(machine, 1, 2)
    machine.aspire(())
    assert machine.step(0.0) == [Unload(1), Unload(2)]


class AnyOrder(RuleBasedStateMachine):
    """Wishes, successes and failures in any order: never a gap, and in the end what is wished."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(keep_previous=1, retry_s=1.0, max_retry_s=4.0)
        self.loading: set[int] = set()
        self.unloading: set[int] = set()
        self.now_s = 0.0
        self.had_any = False

    def _do(self, actions: list[Any]) -> None:
        for each in actions:
            doing = self.loading if isinstance(each, Load) else self.unloading
            assert each.version not in self.loading | self.unloading
            doing.add(each.version)

    @rule(versions=st.sets(st.integers(1, 4), min_size=1, max_size=2))
    def aspire(self, versions: set[int]) -> None:
        self.machine.aspire(versions)

    @rule(wait_s=st.sampled_from([0.0, 5.0]))
    def step(self, wait_s: float) -> None:
        self.now_s += wait_s
        self._do(self.machine.step(self.now_s))

    @precondition(lambda self: self.loading)
    @rule(data=st.data(), works=st.booleans())
    def end_a_load(self, data: st.DataObject, works: bool) -> None:
        version = data.draw(st.sampled_from(sorted(self.loading)))
        self.loading.remove(version)
        if works:
            self.machine.loaded(version)
            self.had_any = True
        else:
            self.machine.failed(version, Code.INTERNAL, "as it happens", self.now_s)

    @precondition(lambda self: self.unloading)
    @rule(data=st.data())
    def end_an_unload(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.unloading)))
        self.unloading.remove(version)
        self.machine.unloaded(version)

    @invariant()
    def someone_answers(self) -> None:
        assert bool(self.machine.available()) is self.had_any

    def teardown(self) -> None:
        for _ in range(6):
            for version in sorted(self.loading):
                self.machine.loaded(version)
            for version in sorted(self.unloading):
                self.machine.unloaded(version)
            self.loading, self.unloading = set(), set()
            self.now_s += 5.0
            self._do(self.machine.step(self.now_s))
        assert not self.loading | self.unloading
        assert self.machine.aspired <= self.machine.available()
        assert len(self.machine.available() - self.machine.aspired) <= 1 or not self.machine.aspired


TestAnyOrder = AnyOrder.TestCase
