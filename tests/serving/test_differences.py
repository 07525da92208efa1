"""Answers of two versions are compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tasks.serving.differences import FAILED, Differences, compare

SUM = {"sum": np.array([[1.0, math.nan]], np.float32)}


@pytest.mark.parametrize(
    ("found", "greatest", "differs"),
    [
        (SUM, 0.0, 0),
        ({"sum": np.array([[1.0005, math.nan]], np.float32)}, 0.0005, 0),
        ({"sum": np.array([[1.5, math.nan]], np.float32)}, 0.5, 1),
        ({"sum": np.array([[1.0, 2.0]], np.float32)}, math.inf, 1),
        ({"sum": np.array([[1.0]], np.float32)}, math.inf, 1),
        ({"sum": np.array([[1.0, math.nan]])}, math.inf, 1),
        ({}, math.inf, 1),
    ],
)
def test_values_differ_beyond_the_tolerance(found: Any, greatest: float, differs: int) -> None:
    one = compare(SUM, found, 1e-3)
    assert one.greatest == pytest.approx(greatest, rel=1e-3)
    assert (one.num_compared, one.num_differing) == (1, differs)
    assert one.num_disagreeing == math.isinf(greatest), "a number that differs decides nothing"


def test_classes_disagree_if_another_is_first() -> None:
    yes, surely, no = (
        {"scores": np.array([[0.5, 0.5], each], np.float32)}
        for each in ((0.4, 0.6), (0.1, 0.9), (0.6, 0.4))
    )
    assert compare(yes, surely, 1e-3, "scores").num_differing == 1
    assert compare(yes, surely, 1e-3, "scores").num_disagreeing == 0
    assert compare(yes, no, 1e-3, "scores").num_disagreeing == 1


def test_counts_add_up() -> None:
    one = Differences(num_compared=2, num_differing=1, greatest=0.5)
    assert one + FAILED == Differences(2, 1, 1, 0, 0.5)
