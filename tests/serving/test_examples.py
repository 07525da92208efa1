"""Examples become arrays, and answers become labels and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.serving.examples import arrays_of, numbers_of, scores_of
from tasks.serving.types import Code, RequestError
from tests.support.serving.bundles import CLASSES, MIXED, NUMBER, signature, tensor

PICTURES = signature(
    (tensor("x", "float32", 2, "n", 2), tensor("name", "bytes", "n"), tensor("ok", "bool", "n")),
    (tensor("y", "float32", "n"),),
)


def test_flat_values_fill_the_shape_and_a_context_counts_for_all() -> None:
    examples = [{"x": [1, 2.5, 3, 4], "name": [b"a"]}, {"x": [5, 6, 7, 8], "name": [b"b\0"]}]
    found = arrays_of(PICTURES, examples, {"ok": [True]})
    assert found["x"].shape == (2, 2, 2)
    np.testing.assert_array_equal(found["x"][:, 1], [[5, 6], [7, 8]])
    assert found["name"].tolist() == [b"a", b"b\0"]
    assert found["ok"].tolist() == [True, True]


def test_one_axis_is_as_long_as_there_are_values() -> None:
    assert arrays_of(CLASSES, [{"words": [1, 2, 3]}])["words"].tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ([], "Input is empty"),
        ([{}], "example 0: feature words is missing"),
        ([{"words": [1]}, {"word": [1]}], "feature 'word' is unknown; there are words"),
        ([{"words": [1.5]}], "expected int64, got float"),
        ([{"words": [b"a"]}], "expected int64, got bytes"),
        ([{"words": [2**63]}], "expected int64: "),
        ([{"words": [1]}, {"words": [1, 2]}], "feature words: expected as many values in each"),
    ],
)
def test_what_is_no_example_is_told(examples: Any, told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        arrays_of(CLASSES, examples)
    assert caught.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"x": [1, 2, 3], "name": [b""], "ok": [True]}, r"values for shape \(2, 2\) .* got 3"),
        ({"x": [1, 2, 3, 4], "name": [b"", b""], "ok": [True]}, r"shape \(\) .* got 2"),
    ],
)
def test_values_that_do_not_fill_the_shape_are_told(given: Any, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        arrays_of(PICTURES, [given])


def test_what_is_not_by_item_is_not_asked_by_examples() -> None:
    with pytest.raises(RequestError, match="input weight is not by item: ask by predict"):
        arrays_of(MIXED, [{"name": [b""], "x": [1.0, 2.0], "weight": [1.0]}])


def test_answers_as_labels_and_numbers() -> None:
    scores = scores_of(CLASSES, {"scores": np.array([[0.25, 0.75]], np.float32)})
    assert scores == [[("no", 0.25), ("yes", 0.75)]]
    assert numbers_of(NUMBER, {"value": np.array([1.5, 2], np.float32)}) == [1.5, 2.0]
