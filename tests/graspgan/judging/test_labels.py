from __future__ import annotations

import numpy as np
import pytest

from tasks.graspgan.judging.labels import label_factor, labels_reaching

CURVE = {count: np.full(5, score) for count, score in {100: 0.6, 1000: 0.7, 10_000: 0.8}.items()}


def test_labels_are_interpolated_in_their_logarithm() -> None:
    found = labels_reaching(CURVE, np.array([0.7, 0.65, 0.75, 0.5, 0.9]))
    assert found == pytest.approx([1000, 316.2, 3162.3, 100, 10_000], rel=1e-3)


def test_what_more_labels_lost_by_chance_is_no_loss() -> None:
    dipping = {10**k: np.array([score]) for k, score in enumerate((0.5, 0.7, 0.65, 0.8))}
    assert labels_reaching(dipping, np.array([0.6]))[0] == pytest.approx(10**0.5)


def test_a_factor_is_over_the_labels_that_were_used() -> None:
    wanted = np.array([0.75, 0.72, 0.75, 0.78, 0.75])
    found = label_factor(CURVE, wanted, 50, 900)
    assert found.value == pytest.approx(3162.3 / 50, rel=1e-3)
    assert found.low < found.value < found.high
    assert label_factor(CURVE, wanted, 0, 900).value == pytest.approx(3162.3, rel=1e-3)
