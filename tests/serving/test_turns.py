"""Models that are all busy get compute in proportion to their weights, and none waits for ever."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.serving.turns import Turns


class Queue:
    """A queue that is never empty, whose batches take about so long."""

    def __init__(self, simulation: Simulation, model: str, batch_s: float) -> None:
        self.model, self.batch_s, self.used_s, self.begun_s = model, batch_s, 0.0, -1.0
        self.simulation, self.longest_wait_s = simulation, 0.0

    def begin(self) -> None:
        now_s = self.simulation.now_s
        self.longest_wait_s = max(self.longest_wait_s, now_s - max(self.begun_s, 0.0))
        taken_s = self.batch_s * self.simulation.random.uniform(0.7, 1.3)
        self.begun_s = now_s + taken_s
        heapq.heappush(self.simulation.ends, (now_s + taken_s, id(self), taken_s, self))


class Simulation:
    """Time passes from one end of a batch to the next."""

    def __init__(self, num_slots: int, models: dict[str, tuple[float, float]]) -> None:
        self.random, self.now_s = random.Random(0), 0.0
        self.ends: list[tuple[float, int, float, Queue]] = []
        self.turns = Turns(num_slots, {name: weight for name, (weight, _) in models.items()})
        self.queues = {name: Queue(self, name, batch_s) for name, (_, batch_s) in models.items()}

    def run(self, until_s: float) -> None:
        for each in self.queues.values():
            self.turns.want(each)
        while self.ends[0][0] < until_s:
            self.now_s, _, taken_s, queue = heapq.heappop(self.ends)
            queue.used_s += taken_s
            self.turns.end(queue, taken_s, wants_more=True)

    def shares(self) -> dict[str, float]:
        used_s = {name: each.used_s for name, each in self.queues.items()}
        return {name: each / sum(used_s.values()) for name, each in used_s.items()}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from([0.001, 0.003, 0.01])),
        min_size=4,
        max_size=8,
    ),
    st.integers(1, 2),
)
def test_shares_of_compute_are_those_of_the_weights_whatever_a_batch_takes(models, num_slots):
    named = {f"m{number}": each for number, each in enumerate(models)}
    total = sum(weight for weight, _ in models)
    # Nobody can have more than one slot, so a share beyond that is not to be had.
    if max(weight for weight, _ in models) / total > 0.8 / num_slots:
        return
    simulation = Simulation(num_slots, named)
    simulation.run(4.0)
    for name, (weight, _) in named.items():
        expected = weight / total
        assert simulation.shares()[name] == pytest.approx(expected, rel=0.1)


def test_a_slow_model_does_not_starve_a_fast_one():
    simulation = Simulation(1, {"slow": (1.0, 1.0), "fast": (1.0, 0.01)})
    simulation.run(100.0)
    assert simulation.queues["fast"].longest_wait_s < 1.5
    assert simulation.shares()["fast"] == pytest.approx(0.5, abs=0.05)


class Waits:
    """Begins, and does nothing until it is told."""

    def __init__(self, model: str) -> None:
        self.model, self.num_begun = model, 0

    def begin(self) -> None:
        self.num_begun += 1


def test_a_free_slot_is_given_at_once_and_no_more_than_there_are():
    turns, queues = Turns(2), [Waits(each) for each in "abc"]
    for each in queues:
        turns.want(each)
        turns.want(each)  # it waits, or has one, already
    assert [each.num_begun for each in queues] == [1, 1, 0]
    assert turns.is_wanted
    turns.end(queues[0], 0.1)
    assert queues[2].num_begun == 1
    assert not turns.is_wanted


def test_who_was_away_saves_up_nothing():
    turns, here, away = Turns(1), Waits("here"), Waits("away")
    turns.want(away)
    turns.end(away, 0.1)
    turns.want(here)
    for _ in range(100):
        turns.end(here, 0.1, wants_more=True)
    begun = here.num_begun
    turns.want(away)
    for _ in range(10):
        running = here if here.num_begun > begun else away
        begun = here.num_begun
        turns.end(running if id(running) in turns._running else here, 0.1, wants_more=True)
    assert 4 <= away.num_begun - 1 <= 6


def test_versions_of_a_model_share_its_share():
    turns = Turns(1, {"two": 1.0, "one": 1.0})
    queues = [Waits("two"), Waits("two"), Waits("one")]
    for each in queues:
        turns.want(each)
    for _ in range(100):
        running = next(each for each in queues if id(each) in turns._running)
        turns.end(running, 0.1, wants_more=True)
    assert abs(queues[2].num_begun - 50) <= 2
    assert abs(queues[0].num_begun - queues[1].num_begun) <= 2


def test_who_waits_no_more_is_passed_over_and_more_slots_are_given_at_once():
    turns, queues = Turns(1), [Waits(each) for each in "abc"]
    for each in queues:
        turns.want(each)
    turns.forget(queues[1])
    turns.configure(2, {"a": 1.0})
    assert [each.num_begun for each in queues] == [1, 0, 1]
