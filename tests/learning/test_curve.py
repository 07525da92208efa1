from __future__ import annotations

import math

import pytest

from tasks.learning.curve import Choice, Point


def curve(*values: float) -> list[Point]:
    return [Point(k, {}, 0.0, {"auc": value}) for k, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "larger", "best"),
    [
        ((0.5, 0.7, 0.7, 0.6), True, 1),
        ((0.5, 0.7, 0.4, 0.4), False, 2),
        ((math.nan, 0.1, math.nan), True, 1),
        ((math.nan, 0.9, math.nan), False, 1),
    ],
)
def test_the_first_of_the_best_points_counts(
    values: tuple[float, ...], larger: bool, best: int
) -> None:
    choice = Choice("auc", patience=9, larger_is_better=larger)
    assert choice.best(curve(*values)) == best


def test_a_training_ends_after_so_many_points_without_a_better_one() -> None:
    choice = Choice("auc", patience=2)
    assert not choice.is_over([])
    assert not choice.is_over(curve(0.9, 0.8))
    assert choice.is_over(curve(0.9, 0.8, 0.9))
    assert not choice.is_over(curve(0.9, 0.8, 0.91))
