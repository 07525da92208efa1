"""The rate rises in a line to its peak and falls along a cosine to zero."""

from __future__ import annotations

import math

import pytest

from tasks.learning.schedule import warmup_cosine


@pytest.mark.parametrize(
    ("done", "expected"),
    [(0, 0), (5, 0.25), (20, 1), (60, 0.5), (40, (1 + math.cos(math.pi / 4)) / 2), (100, 0)],
)
def test_known_moments(done: float, expected: float) -> None:
    assert warmup_cosine(done, 20, 100) == pytest.approx(expected, abs=1e-12)
    assert warmup_cosine(done / 100, 0.2) == pytest.approx(expected, abs=1e-12)


def test_without_a_warmup_the_peak_comes_first() -> None:
    assert warmup_cosine(0.0, 0.0) == 1
    assert warmup_cosine(0.5, 0.0) == pytest.approx(0.5)


def test_a_training_that_is_all_warmup_ends_at_its_peak() -> None:
    assert [warmup_cosine(done, 2, 2) for done in (0, 1, 2)] == [0, 0.5, 1]
