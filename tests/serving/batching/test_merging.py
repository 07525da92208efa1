"""What is put together and asked as one is answered as each would be alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.bundle.manifest import Signature
from tasks.serving.batching.limits import BatchLimits
from tasks.serving.batching.merging import merge, split
from tasks.serving.batching.queue import Batch, Queue
from tasks.serving.types import Question
from tests.support.serving.bundles import MIXED, TAGS, bundle, signature, tensor


def batch_of(signature: Signature, *given: Any, outputs: tuple[str, ...] = ()) -> Batch[int]:
    waiting: Queue[int] = Queue(bundle(some=signature), BatchLimits(1000), lambda _: False)
    for number, arrays in enumerate(given):
        waiting.add(Question("some", 3, "some", arrays, outputs), number, 0.0)
    batch = waiting.take(0.0)
    assert batch is not None
    return batch


def tags(arrays: Any) -> Any:
    """Answers `TAGS` item by item, and words that are filled in count nothing."""
    words = arrays["words"].astype(np.float32)
    total = words.sum(axis=1, keepdims=True)
    return {"each": words * 2, "sum": np.repeat(total, 4, axis=1)}


@given(
    shapes=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6)), min_size=1, max_size=5),
    allowed=st.sampled_from([(), (4, 64), (1, 2)]),
)
def test_ragged_items_are_answered_as_alone(
    shapes: list[tuple[int, int]], allowed: tuple[int, ...]
) -> None:
    given = [{"words": np.arange(1, 1 + a * b, dtype=np.int64).reshape(a, b)} for a, b in shapes]
    batch = batch_of(TAGS, *given)
    merged = merge(batch, allowed)
    size = sum(a for a, _ in shapes)
    filled = next((each for each in allowed if each >= size), size)
    assert merged["words"].shape == (filled, max(b for _, b in shapes))
    assert merged["words"].dtype == np.int64
    for found, arrays in zip(split(batch, tags(merged)), given, strict=True):
        for name, expected in tags(arrays).items():
            np.testing.assert_array_equal(found[name], expected)


def test_one_alone_is_not_copied() -> None:
    arrays = {"words": np.ones((2, 5), np.int64)}
    batch = batch_of(TAGS, arrays)
    assert merge(batch) is arrays
    outputs = tags(arrays)
    assert split(batch, outputs)[0]["each"] is outputs["each"]


def test_what_is_not_by_item_is_given_once() -> None:
    given = [
        {"name": np.array([text], object), "x": np.full((1, 2), 3.0), "weight": np.array([2.0])}
        for text in (b"a", b"bb\0")
    ]
    batch = batch_of(MIXED, *given)
    merged = merge(batch, (3,))
    assert merged["weight"].tolist() == [2.0]
    assert merged["name"].tolist() == [b"a", b"bb\0", b"bb\0"]
    first, second = split(batch, {"name_bytes": merged["name"], "y": merged["x"]})
    assert (first["name_bytes"].tolist(), second["name_bytes"].tolist()) == ([b"a"], [b"bb\0"])


def test_items_may_be_counted_by_another_axis() -> None:
    told = signature((tensor("x", "float32", 2, "n"),), (tensor("y", "float32", "n", 2),))
    given = [{"x": np.arange(2.0 * n, dtype=np.float32).reshape(2, n)} for n in (1, 3)]
    batch = batch_of(told, *given)
    merged = merge(batch)
    assert merged["x"].shape == (2, 4)
    for found, arrays in zip(split(batch, {"y": merged["x"].T}), given, strict=True):
        np.testing.assert_array_equal(found["y"], arrays["x"].T)


def test_outputs_that_nobody_wants_are_not_given() -> None:
    batch = batch_of(TAGS, {"words": np.ones((1, 2), np.int64)}, outputs=("sum",))
    assert [*split(batch, tags(merge(batch)))[0]] == ["sum"]


def test_text_is_filled_up_with_nothing() -> None:
    told = signature(
        (tensor("words", "bytes", "n", "length"),),
        (tensor("each", "bytes", "n", "length"),),
        padding={"length": 0.0},
    )
    given = [{"words": np.array([each], object)} for each in ([b"a"], [b"b", b"c"])]
    batch = batch_of(told, *given)
    merged = merge(batch)
    assert merged["words"].tolist() == [[b"a", b""], [b"b", b"c"]]
    found = split(batch, {"each": merged["words"]})
    assert [each["each"].tolist() for each in found] == [[[b"a"]], [[b"b", b"c"]]]
