"""Client of the Ray Jobs API: the calls that a stage needs, over HTTP and without Ray.

Neither the scheduler nor the triggerer ever imports Ray; the protocol is the one documented
in Ray's "Ray Jobs REST API" (versions 2.x). A job's id is chosen by the caller, and the API
refuses an id that it already knows: that is what makes a submission safe to repeat.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import httpx

from operators import access
from tasks.core.errors import ResourceError, TransientError

CALL_TIMEOUT_S = 30.0
# The entry point is one argument of `sh -c`, which Linux limits to 128 KiB.
MAX_ENTRYPOINT_BYTES = 120_000
_SLUG_LENGTH = 40
# What is above, or negative, says that a signal ended the process.
_MAX_EXIT_CODE = 128
# Where a job's metadata keeps the word that its last line is known by.
WORD = "word"

State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"]


@dataclass(frozen=True)
class Job:
    """One job as the cluster knows it.

    Attributes:
        job_id: Its submission id.
        state: Where it stands.
        exit_code: Exit code of its driver; None before it ended, or if the driver was lost.
        message: What Ray says about the state.
        metadata: What the submitter noted.
    """

    job_id: str
    state: State
    exit_code: int | None
    message: str
    metadata: dict[str, str]

    @property
    def has_ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.state in ("SUCCEEDED", "FAILED", "STOPPED")

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended its driver that nobody sent through the API."""
        by_signal = self.exit_code is not None and not 0 <= self.exit_code <= _MAX_EXIT_CODE
        return self.state == "FAILED" and by_signal


def job_id(dag_id: str, run_id: str, task_id: str, map_index: int, attempt: int) -> str:
    """Return the id of a task's job: readable, unique, the same whenever it is computed.

    The map index is -1 where the task is not mapped; the attempt is one more than the number of
    the task's earlier jobs that ended.
    """
    place = [dag_id, run_id, task_id] + ([str(map_index)] if map_index >= 0 else [])
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", p)[:_SLUG_LENGTH] for p in place)
    digest = hashlib.sha256("\0".join(place).encode()).hexdigest()[:8]
    return f"{readable}-{digest}-{attempt}"


class RayJobs:
    """The Jobs API of one cluster. Use as an asynchronous context manager.

    Every call raises `TransientError` if the API can't be reached or fails inside, and
    `ResourceError` if it refuses the token.
    """

    def __init__(self, address: str, token: Path | None = None) -> None:
        """Prepare the client; without a token's file, Ray's environment variables say the token.

        Raises:
            ConfigError: The address holds a login.
            ResourceError: The token, or the file of certificates, can't be read.
        """
        access.refuse_login("ray_api", address)
        self._address = address
        self._http = httpx.AsyncClient(
            base_url=address,
            timeout=CALL_TIMEOUT_S,
            headers=access.ray_login(token),
            verify=access.trust(),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def submit(self, job_id: str, entrypoint: str, metadata: dict[str, str]) -> bool:
        """Start a job on the head node; its driver itself takes no CPU of the cluster.

        Returns:
            Whether it was started; False if the cluster already knows the id.

        Raises:
            ResourceError: The entry point is longer than a command line may be.
        """
        if len(entrypoint.encode()) > MAX_ENTRYPOINT_BYTES:
            raise ResourceError(
                f"job {job_id}: its settings and inputs take {len(entrypoint.encode())} bytes, a "
                f"command line may have {MAX_ENTRYPOINT_BYTES}; use fewer groups (num_jobs)"
            )
        body = {"submission_id": job_id, "entrypoint": entrypoint, "metadata": metadata}
        reply = await self._call("POST", "/api/jobs/", (400, 500), json=body)
        if reply.is_success:
            return True
        if "already exists" in reply.text:
            return False
        raise TransientError(f"Ray at {self._address} did not take job {job_id}: {_last(reply)}")

    async def find(self, job_id: str) -> Job | None:
        """Return a job; None if the cluster does not know it."""
        reply = await self._call("GET", f"/api/jobs/{job_id}", (404,))
        return _job(reply.json()) if reply.is_success else None

    async def jobs(self) -> list[Job]:
        """Return all jobs that came through the API."""
        reply = await self._call("GET", "/api/jobs/")
        return [_job(each) for each in reply.json() if each.get("submission_id")]

    async def log(self, job_id: str) -> str:
        """Return all that the job has printed; empty if the cluster does not know it."""
        reply = await self._call("GET", f"/api/jobs/{job_id}/logs", (404,))
        return str(reply.json().get("logs") or "") if reply.is_success else ""

    async def stop(self, job_id: str) -> None:
        """Ask a job to stop; a job that has ended or is unknown is left as it is."""
        await self._call("POST", f"/api/jobs/{job_id}/stop", (404,))

    async def _call(
        self, method: str, path: str, answers: tuple[int, ...] = (), json: Any = None
    ) -> httpx.Response:
        """Call the API; a failure with one of these codes is an answer like any other."""
        try:
            reply = await self._http.request(method, path, json=json)
        except httpx.HTTPError as error:
            access.check_trust(f"Ray at {self._address}", error)
            raise TransientError(
                f"can't reach Ray's Jobs API at {self._address} ({type(error).__name__}: {error}); "
                "is the cluster up? `make status` tells"
            ) from error
        if reply.is_success and "html" in reply.headers.get("content-type", ""):
            raise ResourceError(  # a login page, say
                f"what answers at {self._address} is no Jobs API of Ray: it gave "
                f"{reply.text[:200]!r}; check ray_api in the profile"
            )
        if reply.status_code in (401, 403):
            raise ResourceError(
                f"Ray at {self._address} refuses the token: set RAY_AUTH_MODE=token, and "
                "RAY_AUTH_TOKEN_PATH to the cluster's token file or RAY_AUTH_TOKEN to the token"
            )
        if reply.is_success or reply.status_code in answers:
            return reply
        raise TransientError(
            f"Ray at {self._address} failed on {method} {path}: {reply.status_code} {_last(reply)}"
        )


def _job(details: dict[str, Any]) -> Job:
    return Job(
        job_id=details["submission_id"],
        state=details["status"],
        exit_code=details.get("driver_exit_code"),
        message=details.get("message") or "",
        metadata=details.get("metadata") or {},
    )


def _last(reply: httpx.Response) -> str:
    lines = reply.text.strip().splitlines()
    return lines[-1][:500] if lines else "(no text)"
