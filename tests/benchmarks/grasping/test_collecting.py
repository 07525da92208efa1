"""Rounds that the benchmark times are what the pipeline collects."""

from __future__ import annotations

import pytest

from benchmarks.grasping.collecting import Collector, job


def test_a_round_collects_what_the_job_says_and_is_timed(tmp_path):
    collector = Collector(job(5, 1, size_px=16, attempts_per_scene=2), tmp_path)
    begun = []

    found = collector.collect(3, 2, on_ready=lambda: begun.append(True))

    assert begun == [True]
    assert found.attempts == 4
    assert 0 <= found.successes <= 4
    assert found.num_bytes > 1000
    assert found.cpu_s > 0
    assert found.wall_s > 0


def test_a_round_that_is_kept_is_not_timed_again(tmp_path):
    collector = Collector(job(5, 1, size_px=16, attempts_per_scene=2), tmp_path)
    collector.collect(0, 1)

    with pytest.raises(RuntimeError, match="collected before"):
        collector.collect(0, 1)
