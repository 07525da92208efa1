"""The cost of the post's attempts."""

from __future__ import annotations

import cv2
import pytest

from benchmarks.grasping.plot import core_hours, draw
from benchmarks.results_file import Figure


def rate(value: float) -> Figure:
    return Figure(value=value, unit="per CPU s", interval=(value / 2, value * 2))


def test_eight_million_attempts_at_one_a_second_take_three_months():
    found = core_hours(rate(1.0))

    assert found.value == pytest.approx(2222.2, abs=0.1)
    assert found.interval == pytest.approx((1111.1, 4444.4), abs=0.1)


def test_the_plot_is_a_small_picture_that_depends_on_the_figures(tmp_path):
    names = ("attempts_per_cpu_s_64px", "attempts_per_cpu_s_128px")
    others = ("closed_loop_attempts_per_cpu_s", "baseline_attempts_per_cpu_s")
    figures = {name: rate(3.0) for name in (*names, *others)}
    figures["speedup_2_workers"] = Figure(value=1.9, unit="", interval=None)
    first = draw(figures, tmp_path / "first.png")
    second = draw(figures | {names[0]: rate(30.0)}, tmp_path / "second.png")

    assert cv2.imread(str(first)).std() > 5
    assert first.stat().st_size < 100_000
    assert first.read_bytes() != second.read_bytes()
