"""The size of a batch comes from the settings, or from what the network gains."""

from __future__ import annotations

import pytest

from tasks.serving.batching.limits import best_size, limits_of
from tasks.serving.config import Batching


@pytest.mark.parametrize(
    ("curve", "size"),
    [
        # Measured: a NASNet gains nothing, a BiLSTM half.
        ([(1, 2790.0), (8, 3090.0), (32, 3110.0)], 1),
        ([(1, 232.0), (8, 115.0), (32, 100.0)], 32),
        ([(1, 232.0), (2, 150.0), (4, 103.0), (8, 100.0)], 4),
        ([(1, 100.0), (64, 95.0)], 1),
        ([(2, 50.0), (4, 20.0)], 4),
        ([], 1),
    ],
)
def test_as_large_as_pays(curve: list[tuple[int, float]], size: int) -> None:
    assert best_size(curve) == size


def test_settings_come_before_the_curve() -> None:
    found = limits_of(Batching(max_batch_size=3, batch_timeout_us=1500), [(1, 9.0), (8, 1.0)])
    assert (found.max_batch_size, found.batch_timeout_s) == (3, 0.0015)
    assert limits_of(Batching(), [(1, 9.0), (8, 1.0)]).max_batch_size == 8
