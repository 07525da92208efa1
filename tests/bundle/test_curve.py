"""What a batch saves is measured, where there are batches."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tasks.bundle import curve
from tasks.bundle.arrays import Arrays
from tasks.bundle.curve import SIZES, measure
from tasks.bundle.runtimes import Servable
from tests.support.bundle.models import Mean, plain


class Steady(Mean):
    """Takes as long for any batch."""

    def __call__(self, arrays: Arrays) -> Arrays:
        begun_s = time.thread_time()
        while time.thread_time() - begun_s < 2e-3:
            pass
        return super().__call__(arrays)


def test_items_share_what_a_call_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure(Servable(tmp_path, plain(tmp_path, monkeypatch, Steady), "plain"))
    assert tuple(size for size, _ in found) == SIZES
    cost = dict(found)
    assert cost[1] >= 2000
    assert cost[1] / cost[64] > 16


def test_what_takes_long_is_measured_in_small_batches_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "_ENOUGH_S", 0.0)
    found = measure(Servable(tmp_path, plain(tmp_path, monkeypatch, Steady), "plain"))
    assert [size for size, _ in found] == [1]


class Few(Mean):
    def __call__(self, arrays: Arrays) -> Arrays:
        if len(arrays["x"]) > 9:
            raise MemoryError
        return super().__call__(arrays)


def test_batches_that_are_not_taken_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measure(Servable(tmp_path, plain(tmp_path, monkeypatch, Few), "plain"))
    assert [size for size, _ in found] == [1, 2, 4, 8]


def test_without_batches_there_is_no_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measure(Servable(tmp_path, plain(tmp_path, monkeypatch, batch=None), "plain")) == ()
