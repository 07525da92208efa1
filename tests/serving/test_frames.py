"""Messages and arrays come out as they went in, wherever they lie and however they are cut."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from tasks.core.errors import DataError, ResourceError, WorkerLostError
from tasks.serving.frames import (
    SHARED_BYTES,
    Answer,
    Ask,
    Frames,
    Ready,
    Refused,
    Region,
    encode,
    error_of,
    place,
    refuse,
    unplace,
)

DTYPES = st.one_of(
    arrays_of.boolean_dtypes(),
    arrays_of.integer_dtypes(endianness="="),
    arrays_of.unsigned_integer_dtypes(endianness="="),
    arrays_of.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
)


@pytest.fixture
def region() -> Iterator[Region]:
    made = Region.make()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Region]:
    made = Region.make()
    yield made
    made.close()


@given(array=arrays_of.arrays(DTYPES, arrays_of.array_shapes(min_dims=0, min_side=0)))
def test_numbers_come_back(array, shared):
    headers, body = place({"a": array, "b": array.T}, shared)
    found = unplace(headers, memoryview(b"".join(body)), shared)
    for given_array, name in ((array, "a"), (array.T, "b")):
        assert found[name].dtype == given_array.dtype
        np.testing.assert_array_equal(found[name], given_array)


@given(values=st.lists(st.lists(st.binary(), min_size=2, max_size=2), max_size=5))
def test_text_comes_back(values, shared):
    array = np.empty((len(values), 2), object)
    for row, each in enumerate(values):
        array[row] = each
    headers, body = place({"text": array, "x": np.ones(3)}, shared)
    found = unplace(headers, memoryview(b"".join(body)), shared)
    assert found["text"].tolist() == array.tolist()
    assert found["text"].shape == array.shape
    assert found["x"].tolist() == [1, 1, 1]


def test_what_is_large_goes_through_the_region(region):
    large = np.random.default_rng(0).normal(size=(300, 100))
    text = np.array([b"x" * SHARED_BYTES, b"y"], object)
    headers, body = place({"a": large, "small": large[:2], "b": large.T, "text": text}, region)
    assert [each.place >= 0 for each in headers] == [True, False, True, True]
    assert sum(map(len, body)) == large[:2].nbytes
    other = Region(os.dup(region.descriptor))  # as another process has it
    found = unplace(headers, memoryview(b"".join(body)), other, copied=True)
    place({"a": -large}, region)
    np.testing.assert_array_equal(found["a"], large)
    np.testing.assert_array_equal(found["b"], large.T)
    assert found["text"].tolist() == text.tolist()
    other.close()


def test_what_a_large_message_took_is_given_back(region):
    large = np.ones(5_000_000)
    for _ in range(2):  # and is there again
        headers, _ = place({"a": large}, region)
        assert unplace(headers, memoryview(b""), region, copied=True)["a"].sum() == large.sum()
        region.trim()
        assert os.fstat(region.descriptor).st_size < large.nbytes


@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_frames_are_found_however_they_are_cut(cuts):
    messages = [
        (Ask("predict", []), b""),
        (Answer([], 0.25), b"0123456789" * 20),
        (Refused("no", "data"), b""),
        (Ready(), b"x"),
    ]
    data = b"".join(encode(message, [body]) for message, body in messages)
    edges = [0, *sorted(cuts), len(data)]
    frames, found = Frames(), []
    for begin, end in itertools.pairwise(edges):
        found += frames.feed(data[begin:end])
    assert [(message, bytes(body)) for message, body in found] == messages


def test_a_refusal_says_whose_fault_it_is() -> None:
    memory = OSError("no room")
    memory.__cause__ = RuntimeError("std::bad_alloc")
    for error, kind in (
        (DataError("odd"), DataError),
        (MemoryError(), ResourceError),
        (memory, ResourceError),
        (KeyError("x"), WorkerLostError),
    ):
        told = error_of(refuse(error, "the limit is too low"))
        assert type(told) is kind
    assert str(error_of(refuse(memory, "the limit is too low"))) == "the limit is too low"
