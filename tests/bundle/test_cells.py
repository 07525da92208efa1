"""Sequences through a cell, in whatever company, end as each does alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.bundle.arrays import Arrays
from tasks.bundle.cells import Loop, run
from tasks.bundle.manifest import Cell, Tensor
from tasks.core.errors import DataError

STATE = Tensor(name="before", dtype="float64", shape=("n", 2))
CELL = Cell(along=("x",), state={"after": STATE}, collected=("each",))


class Network:
    """A step of a recurrence that forgets nothing; it takes no numbers below nought."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, arrays: Arrays) -> Arrays:
        x, weight, before = arrays["x"], arrays["weight"], arrays["before"]
        if (x < 0).any():
            raise DataError("expected numbers from nought")
        self.sizes.append(len(x))
        after = 0.5 * before + np.stack([x, weight], axis=1)
        return {"after": after, "each": after.sum(axis=1), "last": x * 10}


def sequence(seed: int, num_items: int, num_steps: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"x": rng.random((num_items, num_steps)), "weight": rng.random(num_items)}


def alone(inputs: Arrays) -> dict[str, Any]:
    """The same by the definition."""
    x, weight = inputs["x"], inputs["weight"]
    after, each = np.zeros((len(x), 2)), []
    for place in x.T:
        after = 0.5 * after + np.stack([place, weight], axis=1)
        each.append(after.sum(axis=1))
    return {"after": after, "each": np.stack(each, axis=1), "last": x[:, -1] * 10}


def same(found: Any, expected: Arrays) -> None:
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(0, 5)), max_size=25),
    st.integers(0, 1000),
)
def test_whoever_shares_the_steps_everybody_is_answered_as_alone(coming, seed):
    network = Network()
    loop = Loop[int](network, CELL)
    asked = {key: sequence(seed + key, *sizes[:2]) for key, sizes in enumerate(coming)}
    found: dict[int, Any] = {}
    for key, (_, _, num_steps) in enumerate(coming):
        loop.add(key, asked[key])
        for _ in range(num_steps):  # so many pass until the next one comes
            found |= dict(loop.step())
    while loop:
        found |= dict(loop.step())
    assert found.keys() == asked.keys()
    for key, inputs in asked.items():
        same(found[key], alone(inputs))
    assert sum(network.sizes) == sum(items * steps for items, steps, _ in coming), "none for nought"


def test_a_sequence_is_done_with_its_last_step_and_another_takes_its_place():
    network = Network()
    loop = Loop[str](network, CELL)
    loop.add("long", sequence(0, 1, 4))
    loop.add("short", sequence(1, 1, 1))
    assert [key for key, _ in loop.step()] == ["short"]
    loop.add("next", sequence(2, 1, 2))
    assert [[key for key, _ in loop.step()] for _ in range(3)] == [[], ["next"], ["long"]]
    assert network.sizes == [2, 2, 2, 1]
    assert len(loop) == 0
    assert loop.step() == []


def test_who_can_not_be_answered_fails_alone_with_all_items_of_the_request():
    loop = Loop[str](Network(), CELL)
    good, bad = sequence(0, 2, 3), sequence(1, 3, 3)
    bad["x"][1, 1] = -1
    loop.add("good", good)
    loop.add("bad", bad)
    found = {}
    while loop:
        found |= dict(loop.step())
    same(found["good"], alone(good))
    assert isinstance(found["bad"], DataError)
    assert "from nought" in str(found["bad"])


def test_if_nobody_can_be_answered_all_are_told_and_the_next_is_answered():
    loop = Loop[str](Network(), CELL)
    for key in "ab":
        loop.add(key, {"x": np.full((1, 3), -1.0), "weight": np.ones(1)})
    assert {key for key, error in loop.step() if isinstance(error, DataError)} == {"a", "b"}
    good = sequence(5, 1, 2)
    loop.add("c", good)
    assert loop.step() == []
    same(dict(loop.step())["c"], alone(good))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.ones((2, 0))}, "of one step or more"),
        ({"x": np.ones(2)}, "of one step or more"),
        ({"weight": np.ones(3)}, "as many of each"),
        ({"x": np.ones((2, 3, 1))}, "as those before"),
        ({"x": np.ones((2, 3), np.float32)}, "as those before"),
    ],
)
def test_what_is_no_sequence_or_another_than_before_is_refused(changed, message):
    loop = Loop[int](Network(), CELL)
    loop.add(0, sequence(0, 2, 3))
    with pytest.raises(DataError, match=message):
        loop.add(1, {**sequence(0, 2, 3), **changed})
    assert len(loop) == 2


def test_sequences_of_a_length_run_at_once_and_say_what_is_wrong():
    inputs = sequence(3, 5, 4)
    same(run(Network(), CELL, inputs), alone(inputs))
    with pytest.raises(DataError, match="from nought"):
        run(Network(), CELL, {**inputs, "x": -inputs["x"]})
