"""The trigger of a stage: follows its Ray job, copies its log, tells how it ended.

Triggers may be restarted anywhere at any time, so this one keeps no state that the cluster does
not have. It stops the job only in `on_kill`, which Airflow calls when a person marks the task
as failed or succeeded, or clears it; never when a triggerer stops or moves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from operators.compute.ray_jobs import WORD, Job, RayJobs
from operators.plain_log import plain
from operators.stage.request import ERROR, EXIT_TRANSIENT, RESULT, last_said
from operators.tries import HEAD_POLL_S, HEAD_RETURN_S
from tasks.core.errors import OrreryError, TransientError

POLL_INTERVAL_S = 0.5
# The API gives a log only whole: the longer it is, the less often it is fetched.
LOG_BYTES_PER_S = 500_000
REATTACHED_AFTER_S = 30.0
NUM_LINES_AGAIN = 20
_NOISE = (f"{RESULT} ", f"{ERROR} ", "Running entrypoint for job ")
_NOISE_ENDS = " -- Runtime env is setting up."
# How a job is described that a person stopped.
STOPPED = "Stopped"

T = TypeVar("T")

logger = logging.getLogger(__name__)


class StageTrigger(BaseTrigger):
    """Follows one Ray job to its end."""

    def __init__(
        self, address: str, job_id: str, task: str, since_s: float, attached: bool
    ) -> None:
        """Follow a job, for which an operator waits since a time, in seconds since 1970.

        It had attached to the job if that ran already. The task's name is for log lines.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address
        self.job_id = job_id
        self.task_name = task
        self.since_s = since_s
        self.attached = attached

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what another triggerer needs to take over."""
        return "operators.schedule.stage_trigger.StageTrigger", {
            "address": self.address,
            "job_id": self.job_id,
            "task": self.task_name,
            "since_s": self.since_s,
            "attached": self.attached,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the job has ended: see `outcome`."""
        try:
            async with RayJobs(self.address) as jobs:
                job, log = await self._follow(jobs)
            said = outcome(job, log, self.job_id, self.attached)
        except OrreryError as error:
            described = {"type": type(error).__name__, "message": str(error)}
            said = {"job_id": self.job_id, "result": None, "error": described}
        yield TriggerEvent(said)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Stop the job: a person marked the task as failed or succeeded, or cleared it."""
        async with RayJobs(self.address) as jobs:
            await self._patiently(lambda: jobs.stop(self.job_id))
        logger.info("%s: job %s was asked to stop", self.task_name, self.job_id)

    async def _follow(self, jobs: RayJobs) -> tuple[Job | None, str]:
        """Copy the job's log line by line until it ends; None if the cluster lost it."""
        num_shown: int | None = None
        while True:
            job, log = await self._patiently(lambda: self._ask(jobs))
            # The result is a driver's last word: not waiting for its exit saves a second.
            ended = job is None or job.has_ended or _result(job, log) is not None
            lines = log.splitlines() if ended else log.split("\n")[:-1]
            num_shown = self._show(lines, num_shown)
            if ended:
                return job, log
            await asyncio.sleep(POLL_INTERVAL_S + len(log) / LOG_BYTES_PER_S)

    async def _ask(self, jobs: RayJobs) -> tuple[Job | None, str]:
        # State first: the log of a job that has ended is then whole.
        return await jobs.find(self.job_id), await jobs.log(self.job_id)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call Ray, and wait out a head that is away."""
        begun_s, is_away = time.monotonic(), False
        while True:
            try:
                answer = await call()
            except TransientError as error:
                if time.monotonic() - begun_s > HEAD_RETURN_S:
                    raise
                if not is_away:
                    logger.warning("%s: waiting for Ray: %s", self.task_name, error)
                is_away = True
                await asyncio.sleep(HEAD_POLL_S)
                continue
            if is_away:
                away_s = time.monotonic() - begun_s
                logger.info("%s: Ray answers again after %.0f s", self.task_name, away_s)
            return answer

    def _show(self, lines: Sequence[str], num_shown: int | None) -> int:
        if num_shown is None:
            num_shown = 0
            if time.time() - self.since_s > REATTACHED_AFTER_S:
                num_shown = max(0, len(lines) - NUM_LINES_AGAIN)
                logger.info("%s: re-attached to job %s", self.task_name, self.job_id)
        for line in lines[num_shown:]:
            is_noise = line.startswith(_NOISE) or line.endswith(_NOISE_ENDS)
            if line.strip() and not is_noise:
                logger.info("[%s] %s", self.task_name, plain(line))
        return len(lines)


def outcome(job: Job | None, log: str, live_id: str, attached: bool) -> dict[str, Any]:
    """Say what a job that has ended means for its task.

    Args:
        job: The job; None if the cluster does not know it any more.
        log: All that it printed.
        live_id: Its id.
        attached: Whether the operator found it running.

    Returns:
        ``job_id``; ``result``, the references that it printed, or None; ``error``, its type and
        message, or None. A `TransientError` is worth another try.
    """
    if job is None:
        error = _transient(f"the cluster does not know job {live_id} any more: it was restarted")
        return {"job_id": live_id, "result": None, "error": error}
    if (result := _result(job, log)) is not None:
        return {"job_id": live_id, "result": result, "error": None}
    said = last_said(log, ERROR, job.metadata.get(WORD, ""))
    if job.state == "STOPPED" and attached:
        error = _transient(f"job {live_id} was being stopped when the task found it")
    elif job.state == "STOPPED":
        error = {"type": STOPPED, "message": f"job {live_id} was stopped by hand"}
    elif job.exit_code == EXIT_TRANSIENT and said:
        error = _transient(said["message"])
    elif job.exit_code == 0:
        error = _transient(f"job {live_id} ended well, but its result was not heard")
    elif job.exit_code is None or job.was_killed:
        error = _transient(f"the driver of job {live_id} was lost: {_brief(job)}")
    else:
        error = said or {"type": "Failed", "message": f"job {live_id}: {_brief(job)}"}
    return {"job_id": live_id, "result": None, "error": error}


def _result(job: Job, log: str) -> Any:
    """References that a job printed as its last word; None before."""
    return last_said(log, RESULT, job.metadata.get(WORD, ""))


def _transient(message: str) -> dict[str, str]:
    return {"type": TransientError.__name__, "message": message}


def _brief(job: Job) -> str:
    lines = job.message.strip().splitlines() or ["no reason given"]
    code = "" if job.exit_code is None else f"exit code {job.exit_code}, "
    return f"{code}{lines[0][:300]}"
