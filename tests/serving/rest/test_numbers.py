"""Floats are written short, and read back as the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tasks.serving.rest.numbers import listed


@given(
    st.sampled_from(["float32", "float16"]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=0, max_side=5, min_side=0))
    )
)
def test_they_give_the_same_float_again(array: np.ndarray) -> None:
    short = listed(array)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(np.array(short, array.dtype).reshape(array.shape), array)
    assert np.shape(short) == np.shape(array.tolist())


@pytest.mark.parametrize(
    ("value", "few", "many"),
    [
        (0.1, "0.1", "0.1"),
        (-2.5e-6, "-2.5e-06", "-2.5e-06"),
        (9e6, "9000000.0", "9000000.0"),
        (1 / 3, "0.33333334", "0.333333343"),
        (0.0, "0.0", "0.0"),
        (3.4028235e38, "3.4028235e+38", "3.4028235e+38"),
        (float("nan"), "nan", "nan"),
        (float("-inf"), "-inf", "-inf"),
    ],
)
def test_few_are_written_as_short_as_can_be_and_many_with_six_or_nine_digits(
    value: float, few: str, many: str
) -> None:
    for times, told in ((1, few), (9, many)):
        found = listed(np.full((times, 1), value, np.float32))
        assert {repr(each) for (each,) in found} == {told}


def test_doubles_and_whole_numbers_are_as_they_are() -> None:
    assert listed(np.array([1 / 3])) == [1 / 3]
    assert listed(np.array([[2**62]])) == [[2**62]]
