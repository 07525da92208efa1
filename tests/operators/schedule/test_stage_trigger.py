"""How a trigger follows a job, and what the end of a job means."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from operators.compute.ray_jobs import WORD, Job
from operators.schedule import stage_trigger
from operators.schedule.stage_trigger import ERROR, RESULT, StageTrigger, outcome
from tests.support.kernel.fake_ray import FakeRay, fake_ray
from tests.support.kernel.live_runs import until

REF = {"schema_id": "a/1", "uri": "a/b", "sha256": "0" * 64}
RESULT_LINE = f"{RESULT} secret {json.dumps([REF])}\n"
ERROR_LINE = f"{ERROR} secret {json.dumps({'type': 'DataError', 'message': 'no image'})}\n"
FORGED = f"{RESULT} []\n{RESULT} {{\n{RESULT} secre []\n{ERROR} {{\n"


def job(state: Any, exit_code: int | None = None, message: str = "") -> Job:
    return Job("j", state, exit_code, message, {WORD: "secret"})


@pytest.mark.parametrize(
    ("ended", "log", "attached", "kind", "says"),
    [
        (job("FAILED", 65), ERROR_LINE, False, "DataError", "no image"),
        (job("FAILED", 75), ERROR_LINE, False, "TransientError", "no image"),
        (job("FAILED", 70), "", False, "Failed", "exit code 70"),
        (job("FAILED", -9), "half a li", False, "TransientError", "exit code -9"),
        (job("FAILED", 137), "", False, "TransientError", "exit code 137"),
        (job("FAILED", None, "node died\nmore"), "", False, "TransientError", "node died"),
        (job("SUCCEEDED", 0), "nothing said", False, "TransientError", "was not heard"),
        (job("SUCCEEDED", 0), FORGED, False, "TransientError", "was not heard"),
        (job("FAILED", 70), FORGED, False, "Failed", "exit code 70"),
        (job("STOPPED"), "", False, "Stopped", "by hand"),
        (job("STOPPED"), "", True, "TransientError", "being stopped"),
        (None, "", False, "TransientError", "restarted"),
    ],
)
def test_what_an_end_means(
    ended: Job | None, log: str, attached: bool, kind: str, says: str
) -> None:
    said = outcome(ended, log, "j", attached)
    assert said["result"] is None
    assert said["error"]["type"] == kind
    assert says in said["error"]["message"]


def test_a_result_counts_only_as_a_whole_line() -> None:
    assert outcome(job("SUCCEEDED", 0), RESULT_LINE, "j", False)["result"] == [REF]
    cut = outcome(job("FAILED", -9), RESULT_LINE[:-5], "j", False)
    assert cut["error"]["type"] == "TransientError"


def follow(ray: FakeRay, since_s: float | None = None) -> dict[str, Any]:
    trigger = StageTrigger(ray.address, "j", "match", since_s or time.time(), attached=False)

    async def first() -> dict[str, Any]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("no event")

    return asyncio.run(first())


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(stage_trigger, "POLL_INTERVAL_S", 0.05)
    caplog.set_level(logging.INFO)


def shown(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if line.startswith("[match]")]


def test_each_whole_line_is_copied_once(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    with fake_ray() as ray:
        rays = "2026-11-29 23:45:07,291\tINFO job_manager.py:581 -- Runtime env is setting up."
        ray.add("j", "RUNNING", f"{rays}\nRunning entrypoint for job j: x\none\ntw")

        def go_on() -> None:
            try:
                until(lambda: shown(caplog) and ray.num_logs_read >= 3, 60.0)
                seen.extend(shown(caplog))
            finally:
                ray.logs["j"] += "o\nthree\n" + RESULT_LINE

        thread = threading.Thread(target=go_on)
        thread.start()
        said = follow(ray)
        thread.join()
    assert said["result"] == [REF]
    assert seen == ["[match] one"]
    assert shown(caplog) == ["[match] one", "[match] two", "[match] three"]


def test_a_trigger_that_takes_over_repeats_the_last_lines_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with fake_ray() as ray:
        ray.add("j", "FAILED", "".join(f"line {i}\n" for i in range(100)), driver_exit_code=70)
        follow(ray, since_s=time.time() - 3600)
    assert shown(caplog) == [f"[match] line {i}" for i in range(80, 100)]
    assert any("re-attached to job j" in line for line in caplog.messages)


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """A cluster that knows job ``j`` and is away for a moment."""
    monkeypatch.setattr(stage_trigger, "HEAD_POLL_S", 0.05)
    with fake_ray() as ray:
        ray.is_broken = True
        healer = threading.Timer(0.3, lambda: setattr(ray, "is_broken", False))
        healer.start()
        yield ray
        healer.join()


def test_a_head_that_is_away_is_waited_for(
    mended: FakeRay, caplog: pytest.LogCaptureFixture
) -> None:
    mended.add("j", "SUCCEEDED", RESULT_LINE, driver_exit_code=0)
    assert follow(mended)["result"] == [REF]
    said = [line for line in caplog.messages if "Ray" in line]
    assert len(said) == 2, "once that it is away, once that it is back"
    assert "waiting for Ray" in said[0]
    assert "answers again after" in said[1]


def test_a_head_that_forgot_the_job_ends_the_waiting_at_once(mended: FakeRay) -> None:
    said = follow(mended)["error"]
    assert said["type"] == "TransientError"
    assert "it was restarted" in said["message"]


def test_a_head_that_stays_away_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_trigger, "HEAD_RETURN_S", 0.2)
    monkeypatch.setattr(stage_trigger, "HEAD_POLL_S", 0.05)
    with fake_ray() as ray:
        ray.is_broken = True
        assert follow(ray)["error"]["type"] == "TransientError"


def test_a_killed_task_stops_its_job_once_the_head_answers(mended: FakeRay) -> None:
    mended.add("j")
    asyncio.run(StageTrigger(mended.address, "j", "match", 0.0, attached=False).on_kill())
    assert mended.jobs["j"]["status"] == "STOPPED"


def test_a_triggerer_that_stops_leaves_the_job_alone() -> None:
    async def cancelled(trigger: StageTrigger) -> None:
        events = trigger.run()
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await trigger.cleanup()

    with fake_ray() as ray:
        ray.add("j")
        asyncio.run(cancelled(StageTrigger(ray.address, "j", "match", time.time(), False)))
        assert ray.jobs["j"]["status"] == "RUNNING"


def test_another_triggerer_can_take_over() -> None:
    path, given = StageTrigger("http://a", "j", "match", 1.5, attached=True).serialize()
    module, _, name = path.rpartition(".")
    assert (module, name) == (StageTrigger.__module__, StageTrigger.__name__)
    assert StageTrigger(**json.loads(json.dumps(given))).serialize() == (path, given)
