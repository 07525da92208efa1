"""The picture of what loads do to others."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from benchmarks.serving.clients.load import Answers
from benchmarks.serving.loading import Windows, p99_ms, p99s_ms, plot


def answers(latency_s: float, num_late: int = 0) -> Answers:
    """Of three seconds, ten a second; some of the last one are ten times as late."""
    latencies = [latency_s] * (30 - num_late) + [10 * latency_s] * num_late
    return Answers(num=30, latency_s=latencies, due_s=[7.25 + each / 10 for each in range(30)])


def test_each_second_has_its_own_p99():
    assert p99s_ms(answers(0.002, 10)) == pytest.approx([2.0, 2.0, 20.0])
    assert p99_ms(answers(0.002, 10)) == pytest.approx(20.0)


def test_a_pair_of_windows_gives_one_ratio():
    windows = Windows([answers(0.002), answers(0.001)], [answers(0.004), answers(0.001)])
    assert windows.ratios() == pytest.approx([2.0, 1.0])


def test_the_picture_shows_what_was_found():
    calm = Windows([answers(0.002)], [answers(0.002)], 3)
    hit = Windows([answers(0.002)], [answers(0.2)], 3)
    pictures = [
        matplotlib.image.imread(io.BytesIO(plot({"here": one, "there": calm})))
        for one in (calm, hit)
    ]
    assert pictures[0].shape == pictures[1].shape
    assert np.abs(pictures[0] - pictures[1]).max() > 0.5
