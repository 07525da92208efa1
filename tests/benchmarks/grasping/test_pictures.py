"""The READMEs' films of attempts."""

from __future__ import annotations

from benchmarks.grasping.pictures import films


def test_films_a_success_and_a_failure_to_their_ends() -> None:
    success, failure = films(size_px=24)
    assert success.attempt.is_success
    assert not failure.attempt.is_success
    assert not failure.attempt.is_stopped_early
    assert min(len(success.frames), len(failure.frames)) > 15
