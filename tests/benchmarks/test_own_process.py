"""Measuring in a process of its own."""

from __future__ import annotations

import os
import time

import pytest

from benchmarks.own_process import OwnProcess, cpu_seconds_below


def burn(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def test_a_call_is_timed_in_another_process_that_stays():
    with OwnProcess() as process:
        first, second = process.call(burn, 0.2), process.call(burn, 0.05)

    assert first.value == second.value != os.getpid()
    assert 0.18 < first.cpu_s < 0.4  # once, and not twice, whatever a slow machine adds
    assert second.cpu_s < first.cpu_s
    assert first.wall_s >= first.cpu_s - 0.02


def test_processes_below_count_while_they_live():
    with OwnProcess() as process:
        process.call(time.sleep, 0)
        before_s = cpu_seconds_below()
        process.call(burn, 0.3)
        spent_s = cpu_seconds_below() - before_s

    assert 0.28 < spent_s < 0.6


def test_waiting_costs_wall_seconds_alone():
    with OwnProcess() as process:
        found = process.call(time.sleep, 0.2)

    assert found.wall_s >= 0.2
    assert found.cpu_s < 0.1


def test_errors_come_back():
    with OwnProcess() as process, pytest.raises(ValueError, match="invalid literal"):
        process.call(int, "x")
