"""A question fits its signature, or whoever asked is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.serving.questions import ask, pick_signature
from tasks.serving.types import Code, RequestError
from tests.support.serving.bundles import CLASSES, TAGS, bundle, target

WORDS = np.ones((2, 5), np.int64)


@pytest.mark.parametrize(
    ("name", "method", "found"),
    [
        ("", "", "tags"),
        ("serving_default", "", "tags"),
        ("number", "", "number"),
        ("", "classify", "classes"),
        ("serving_default", "regress", "number"),
        ("classes", "classify", "classes"),
    ],
)
def test_the_signature_that_a_client_means(name: str, method: str, found: str) -> None:
    assert pick_signature(bundle(), name, method) == found


def test_a_signature_may_itself_be_called_default() -> None:
    told = bundle(tags=TAGS, serving_default=CLASSES)
    assert pick_signature(told, "serving_default") == "serving_default"
    assert pick_signature(told, "") == "tags"


@pytest.mark.parametrize(
    ("name", "method", "told"),
    [
        ("nothing", "", '"nothing" not found in signature def; there are: tags, classes, number'),
        ("tags", "classify", "signature 'tags' is for predict; those are: classes"),
        ("nothing", "regress", "not found in signature def"),
    ],
)
def test_one_that_is_not_there_is_told(name: str, method: str, told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        pick_signature(bundle(), name, method)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_a_model_without_the_method_says_so() -> None:
    with pytest.raises(RequestError, match="the model has none; those are: none"):
        pick_signature(bundle(tags=TAGS), "", "regress")


def test_what_fits_is_asked() -> None:
    question = ask(target(), "tags", {"words": WORDS}, ("sum",), 7.0)
    assert (question.model, question.version, question.signature) == ("some", 3, "tags")
    assert (question.outputs, question.deadline_s) == (("sum",), 7.0)
    together = ask(target(), "classes+number", {"words": WORDS})
    assert together.signature == "classes+number"


@pytest.mark.parametrize(
    ("arrays", "outputs", "told"),
    [
        ({}, (), r"input 'words' is missing: .* expected to be in the set \{words\}"),
        ({"words": WORDS, "x": WORDS}, (), "input 'x' is unknown"),
        ({"words": WORDS.astype(np.int32)}, (), "expected int64 .* got int32"),
        ({"words": WORDS[0]}, (), r"Expecting shape: input words: .* got int64 of shape \(5,\)"),
        ({"words": WORDS[:0]}, (), "expected at least one item, got none"),
        ({"words": WORDS}, ("sum", "odd"), r"'odd'. Outputs expected .* \{each,sum\}"),
    ],
)
def test_what_does_not_fit_is_told(arrays: Any, outputs: tuple[str, ...], told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        ask(target(), "tags", arrays, outputs)
    assert caught.value.code is Code.INVALID_ARGUMENT
