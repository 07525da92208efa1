"""A label stands for a version that answers, or for the one before."""

from __future__ import annotations

import pytest

from tasks.serving.types import Code, RequestError
from tasks.serving.versions.labels import check_labels, move_labels


@pytest.mark.parametrize(
    ("now", "wanted", "available", "found"),
    [
        ({}, {"a": 1}, {1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {1, 2}, {"a": 2}),
        ({"a": 1}, {"a": 2}, {1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {3}, {}),
        ({}, {"a": 2}, {1}, {}),
        ({"a": 1}, {}, {1}, {}),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}, {1, 2}, {"a": 2, "b": 1}),
    ],
)
def test_labels_move_to_what_answers(now, wanted, available, found) -> None:
    assert move_labels(now, wanted, available) == found


def test_a_change_to_what_does_not_answer_is_refused() -> None:
    check_labels("some", {"a": 1}, {1, 2})
    with pytest.raises(
        RequestError, match=r"label b to version 3 of model some, .* 1, 2"
    ) as caught:
        check_labels("some", {"a": 1, "b": 3}, {1, 2})
    assert caught.value.code is Code.FAILED_PRECONDITION
