"""A row of the request log is what was asked and answered, but for what is to be left out."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.serving.log import COLUMNS, Logged, row_of
from tasks.serving.types import Answered, Question

INPUTS = {
    "name": np.array([b"a\0", b""], object),
    "x": np.arange(4, dtype=np.float32).reshape(2, 2),
    "empty": np.zeros((2, 0), np.int64),
}
OUTPUTS = {"y": np.array([True, False])}


def row(*redact: str) -> Logged:
    question = Question("some", 3, "mixed", INPUTS, ("y",))
    return row_of(question, Answered(OUTPUTS, 4), 100.5, 0.25, redact)


def test_a_row_gives_back_what_was_asked_and_answered() -> None:
    one = row()
    assert one.is_whole
    assert (one.model, one.version, one.signature, one.redacted) == ("some", 4, "mixed", "")
    for found, expected in ((one.inputs(), INPUTS), (one.outputs(), OUTPUTS)):
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    assert [*COLUMNS] == [*Logged.__slots__]


@pytest.mark.parametrize("name", ["x", "name"])
def test_a_value_that_is_to_be_left_out_is_nowhere(name: str) -> None:
    one = row(name)
    assert not one.is_whole
    assert one.redacted == name
    content = b"a\0" if name == "name" else INPUTS["x"].tobytes()
    assert content in row().request
    assert content not in one.request


def test_an_answer_without_values_can_be_asked_again() -> None:
    one = row("y")
    assert one.is_whole
    assert one.outputs() == {}


def test_outputs_of_heads_are_left_out_by_their_own_name() -> None:
    question = Question("some", 3, "classes+number", INPUTS)
    found = row_of(question, Answered({"number/value": np.ones(2)}, 3), 0.0, 0.0, {"value"})
    assert found.redacted == "number/value"
