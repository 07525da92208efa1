"""What a worker does before it answers; all else is tested from the ingress' side."""

from __future__ import annotations

import os
import sys

import pytest

from operators.serving.workers.process import load_by


def test_a_worker_loads_in_the_idle_class_unless_it_could_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_by(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
    monkeypatch.setattr(sys, "argv", [*sys.argv, "urgent"])
    assert load_by(lambda: os.sched_getscheduler(0)) == os.SCHED_OTHER
