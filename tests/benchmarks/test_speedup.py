"""Pairs of one and two workers."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from benchmarks import speedup


class Sleepless:
    """Work whose time is known: units over workers, slower with Ray."""

    unit, num_warm = "units", 2

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    def on_ray(self, executor, num_workers, num_units):
        self.asked.append(("ray", num_workers, num_units))
        return num_units / (1.0 if num_workers == 1 else 1.9)

    def bare(self, pool, run, num_units):
        self.asked.append(("bare", pool, num_units))
        return num_units / pool


def test_pairs_have_the_same_work_and_give_the_ratio(monkeypatch) -> None:
    @contextmanager
    def held(value=None):
        yield value

    monkeypatch.setattr(speedup, "two_cpus", held)
    monkeypatch.setattr(speedup, "_pool", held)
    work = Sleepless()

    found = speedup.measure(work, num_pairs=5, work_s=60.0)

    assert found["speedup_2_workers"].value == pytest.approx(1.9)
    assert found["speedup_2_bare_processes"].value == pytest.approx(2.0)
    assert found["speedup_work_s"].value >= 60.0
    with_ray = [units for kind, _, units in work.asked if kind == "ray"][1:]
    assert len(with_ray) == 10
    assert len(set(with_ray)) == 1
    assert with_ray[0] % 2 == 0
    assert sum(kind == "bare" for kind, _, _ in work.asked) == 2 + 2 * 3


def test_the_median_comes_with_its_range() -> None:
    found = speedup.median([1.8, 2.0, 1.9])
    assert (found.value, found.interval) == (1.9, (1.8, 2.0))
