"""Rows of correspondences stay together."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.types import Correspondences, TruePoints


def _matches(count: int) -> Correspondences:
    numbers = np.arange(count)
    pairs = np.column_stack([numbers, numbers + 0.5])
    colours = np.column_stack([numbers] * 3).astype(float)
    return Correspondences(
        numbers, numbers + 1, pairs, -pairs, numbers / 10, colours, -colours, numbers % 2 == 0
    )


@pytest.mark.parametrize("chosen", [np.array([4, 1]), np.arange(5) % 3 == 1])
def test_selected_rows_keep_all_that_belongs_to_them(chosen) -> None:
    found = _matches(5).select(chosen)
    rows = np.arange(5)[chosen]
    assert len(found) == len(rows)
    for name, values in vars(found).items():
        np.testing.assert_array_equal(values, getattr(_matches(5), name)[rows])


def test_points_are_counted() -> None:
    index, points = np.zeros(3, np.int64), np.zeros((3, 2))
    assert len(TruePoints(index, index + 1, points, points, np.zeros(3, bool))) == 3
