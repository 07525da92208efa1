"""Who may share a batch is decided by sizes, and by what is not by item."""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.serving.batching.forms import Form
from tests.support.serving.bundles import LONE, MIXED, TAGS, WORDS, signature, tensor


def lanes(form: Form, *given: Any) -> list[Any]:
    return [form.lane("name", each) for each in given]


def test_lengths_with_a_padding_rule_may_differ() -> None:
    form = Form(TAGS)
    one, other = lanes(form, {"words": np.ones((2, 5))}, {"words": np.ones((1, 7))})
    assert one == other
    assert form.num_items({"words": np.ones((2, 5))}) == 2


def test_lengths_without_one_must_agree() -> None:
    plain = signature((WORDS,), (tensor("sum", "float32", "n", 4),))
    a, b, c = lanes(Form(plain), *({"words": np.ones(shape)} for shape in ((2, 5), (1, 5), (2, 7))))
    assert a == b != c


def test_lengths_that_an_output_can_not_be_cut_back_to_must_agree() -> None:
    twice = signature(
        (WORDS,), (tensor("each", "float32", "n", "2*length"),), padding={"length": 0.0}
    )
    a, b = lanes(Form(twice), {"words": np.ones((2, 5))}, {"words": np.ones((2, 7))})
    assert a != b


def test_inputs_that_are_not_by_item_must_be_equal() -> None:
    name, x = np.array([b"a"], object), np.ones((1, 2), np.float32)
    a, b, c = lanes(
        Form(MIXED), *({"name": name, "x": x, "weight": np.array([w])} for w in (1.0, 1.0, 2.0))
    )
    assert a == b != c


def test_texts_that_are_not_by_item_are_compared_by_what_they_say() -> None:
    form = Form(signature((WORDS, tensor("how", "bytes", 1)), TAGS.outputs))
    a, b, c = lanes(
        form,
        *(
            {"words": np.ones((1, 2)), "how": np.array([bytes([65, *more])], object)}
            for more in ((66,), (66,), (67,))
        ),
    )
    assert a == b != c


def test_a_call_that_is_one_item_has_no_company() -> None:
    form = Form(LONE)
    assert form.num_items({"x": np.ones(3)}) == 1
    assert form.lane("lone", {"x": np.ones(3)}) is None
