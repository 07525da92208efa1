"""A worker that is lost again and again is given up, and one that lived for long is not."""

from __future__ import annotations

import pytest

from tasks.serving.versions.restarts import Restarts


def test_one_that_is_lost_at_once_is_given_up() -> None:
    restarts = Restarts()
    waits = [restarts.lost(1.0) for _ in range(6)]
    assert waits[:5] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert waits[5] is None
    assert restarts.num == 6


def test_one_that_lived_for_long_is_started_at_once() -> None:
    restarts = Restarts()
    for _ in range(4):
        restarts.lost(1.0)
    assert [restarts.lost(3600.0), restarts.lost(1.0), restarts.num] == [0.0, 0.0, 6]
