"""Overheads and shares out of wall times."""

from __future__ import annotations

import pytest

from benchmarks.platform.ways import figures, timeline


def test_an_overhead_is_what_the_work_does_not_take() -> None:
    found = figures(
        {
            "work": [3.0, 3.2, 2.8],
            "idle_gb": [1.9],
            "first_task": [2.0, 1.0, 3.0],
            "bare_script": [6.0, 7.0, 8.0],
            "make_run": [33.0, 63.0, 43.0],
            "make_run_again": [23.0],
            "full_stack": [27.0, 15.0, 21.0],
            "python_operator": [39.0, 27.0, 21.0],
        }
    )
    assert found["overhead_s_full_stack"].value == pytest.approx(18.0)
    assert found["overhead_s_full_stack"].interval == pytest.approx((12.0, 24.0))
    assert found["overhead_stage_s_full_stack"].value == pytest.approx(6.0)
    assert found["overhead_share_full_stack"].value == pytest.approx(0.03)
    assert found["python_operator_over_full_stack"].value == pytest.approx(1.5)
    assert found["overhead_s_make_run_again"].interval is None
    assert found["trigger_to_first_task_s"].value == 2.0


def test_a_timeline_counts_from_the_trigger() -> None:
    at = "2026-01-01T00:00:{:04.1f}+00:00".format
    tasks = [
        {"task_id": "second", "start_date": at(5), "end_date": at(9)},
        {"task_id": "first", "start_date": at(2), "end_date": at(4.5)},
    ]
    told = timeline(tasks, {"queued_at": at(1), "end_date": at(9.5)})
    assert told.strip() == "first 1.0-3.5, second 4.0-8.0, end 8.5"
