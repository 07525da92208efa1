"""Runs a pipeline without the full stack: Ray, MLflow and Airflow come up, run it, and go.

    python -m operators.headless.run restitch --conf '{"captures": "captures"}'

Servers of `make up`, or that an earlier run kept, are used if they run; otherwise private ones are
started on free ports.
Results stay in the artifact store, MLflow's records and the logs under ``.state``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from operators.compute.ray_jobs import RayJobs
from operators.headless.folders import (
    CONSOLE,
    ORDER,
    READY,
    RESULT,
    new_folder,
    offer,
    run_folder,
    was_left,
    write,
)
from operators.headless.servers import KeptServers, RunServers, borrow, environment
from operators.headless.settings import check_settings, dag_file
from operators.installation import PROFILE, ROOT, profile_name
from operators.installed_code import code_digest
from operators.plain_log import say
from operators.processes import marked
from operators.processes.interrupts import ended_by_signals
from operators.processes.ports import Ports
from operators.stack import services
from operators.stack.databases import bring_up_to_date
from operators.stack.state import ray_token
from operators.stack.supervise import running_ports
from tasks.core.errors import ConfigError, OrreryError
from tasks.core.outside.documents import parse_json
from tasks.core.records import ArtifactRef

_POLL_S = 0.1
_INTERRUPTED = (
    "interrupted; everything that was started has ended, and what was made is kept: the same "
    "command goes on where this run was"
)


@dataclass(frozen=True)
class HeadlessResult:
    """How a headless run ended.

    Attributes:
        state: ``success`` or ``failed``.
        run_id: DAG run.
        results: References that each task returned, by task id; a mapped task's in order.
        mlflow_run_id: The pipeline's run; empty if the run failed before it was opened.
        mlflow_url: Its page, once an MLflow server runs (`make up`).
        seconds: Duration, start and end of the servers included.
        log: File with all that Airflow and the stages printed.
    """

    state: str
    run_id: str
    results: dict[str, list[ArtifactRef]]
    mlflow_run_id: str
    mlflow_url: str
    seconds: float
    log: Path


def run_headless(
    dag_id: str,
    conf: Mapping[str, Any] | None = None,
    *,
    dags: Path = ROOT / "dags",
    profile: str = "",
    keeps: bool = False,
    on_line: Callable[[str], None] = print,
) -> HeadlessResult:
    """Run a pipeline to its end.

    Args:
        dag_id: Pipeline.
        conf: Its params.
        dags: Folder of the DAG files.
        profile: Name or path of the profile; this installation's if empty.
        keeps: Whether servers that it starts stay for later runs; see
            `operators.headless.servers`.
        on_line: Receives each line of progress.

    Raises:
        ConfigError: There is no such pipeline, or a param is unknown or wrong; nothing was started.
        TransientError: A server does not start.
    """
    check_settings(dag_file(dags, dag_id), conf or {}, profile or profile_name())
    say = _clock(on_line)
    begun_s = time.monotonic()
    servers: RunServers | KeptServers | None = None
    with run_folder(_fitting(dags)) as (folder, child), ended_by_signals() as begin_to_end:
        mark, ports = folder.name, running_ports()
        try:
            if ports is None:
                servers = _servers(folder, keeps, say)
                ports = servers.ports
            else:
                say(f"using the running stack: MLflow {ports.mlflow_url}, Ray {ports.ray_url}")
            services.write_profile(folder / "profile.yaml", profile or profile_name(), ports)
            if child is None or not marked.lives(child):
                child = _start_airflow(folder, dags, ports, say)
            write(folder / ORDER, {"dag": dag_id, "conf": conf or {}})
            _wait(ports, servers)
            (folder / READY).touch()
            state = _follow(child, folder, say)
            say(f"{dag_id}: {state}; ending what was started")
            if isinstance(servers, KeptServers):
                _leave_spare(dags, servers)
        finally:
            begin_to_end()
            _end(mark, ports, servers)
        return _result(folder, time.monotonic() - begun_s)


def _servers(folder: Path, keeps: bool, say: Callable[[str], None]) -> RunServers | KeptServers:
    """Ray and MLflow for a run: those that are kept, or its own."""
    if (kept := borrow(say, starts=keeps)) is not None:
        return kept
    say("starting Ray, MLflow and Airflow")
    return RunServers(folder.name, folder, Ports.choose(), services.base_env(), say)


def _start_airflow(
    folder: Path, dags: Path, ports: Ports, say: Callable[[str], None]
) -> psutil.Process:
    """Start the process that runs a DAG once `ORDER` says which and `READY` that servers are up."""
    env = services.base_env() | services.airflow_env(folder, dags, ports)
    env[PROFILE] = str(folder / "profile.yaml")
    bring_up_to_date(folder, env, say)
    (folder / CONSOLE).touch()
    command = [sys.executable, "-m", "operators.headless.child", f"--folder={folder}"]
    log = folder / "airflow.log"
    child = marked.start(command, mark=folder.name, env=env, log=log, folder=ROOT)
    child.returncode = 0  # a spare one outlives this process: nobody is to wait for it
    return psutil.Process(child.pid)


def _leave_spare(dags: Path, servers: KeptServers) -> None:
    """Start the next run's Airflow; it ends with the servers' keeper, unless a run takes it."""
    if (keeper := servers.keeper) is not None:
        folder, fitting = new_folder(keeper), _fitting(dags)
        spare = _start_airflow(folder, dags, servers.ports, lambda _line: None)
        offer(folder, spare, fitting)


def _fitting(dags: Path) -> str:
    """Digest of all that Airflow's process has from its start: another run's may be other."""
    known = json.dumps([str(dags), code_digest(), environment()])
    return hashlib.sha256(known.encode()).hexdigest()


def _follow(child: psutil.Process, folder: Path, say: Callable[[str], None]) -> str:
    """Pass on the lines of the process that runs the DAG; returns how the DAG run ended."""
    rest = ""
    with (folder / CONSOLE).open(encoding="utf-8", errors="replace") as lines:
        while True:
            is_alive = marked.lives(child)
            *whole, rest = (rest + lines.read()).split("\n")
            for line in whole:
                say(line)
            if not is_alive:
                return str(_told(folder)["state"])
            time.sleep(_POLL_S)


def _wait(ports: Ports, servers: RunServers | KeptServers | None) -> None:
    """Wait until the servers are up; what runs that were killed left on them is stopped."""
    if servers:
        servers.wait()
    if not isinstance(servers, RunServers):
        asyncio.run(_stop_jobs(ports.ray_url))


def _end(mark: str, ports: Ports | None, servers: RunServers | KeptServers | None) -> None:
    """End what a run started; on a cluster that is not its own, its jobs."""
    if ports and not isinstance(servers, RunServers):
        asyncio.run(_stop_jobs(ports.ray_url, mark))
    if servers:
        servers.end()
    marked.end(mark)


async def _stop_jobs(address: str, mark: str = "") -> None:
    """Stop what a run, and those that were killed, left running on a cluster of others."""
    with suppress(OrreryError):
        async with RayJobs(address, ray_token()) as jobs:
            for job in await jobs.jobs():
                theirs = job.metadata.get("stack") or "."
                if (theirs == mark or was_left(theirs)) and not job.has_ended:
                    await jobs.stop(job.job_id)


def _told(folder: Path) -> dict[str, Any]:
    """What the process that ran the DAG said of its end; without a word it has failed."""
    path = folder / RESULT
    nothing: dict[str, Any] = {"state": "failed", "run_id": "", "results": {}}
    return json.loads(path.read_text()) if path.exists() else nothing


def _result(folder: Path, seconds: float) -> HeadlessResult:
    told = _told(folder)
    opened = told["results"].pop("open_run", [{}])[0]
    return HeadlessResult(
        state=told["state"],
        run_id=told["run_id"],
        results={
            task: [ArtifactRef(**each) for each in refs] for task, refs in told["results"].items()
        },
        mlflow_run_id=opened.get("run_id", ""),
        mlflow_url=opened.get("url", ""),
        seconds=seconds,
        log=folder / "airflow.log",
    )


def _clock(on_line: Callable[[str], None]) -> Callable[[str], None]:
    begun_s = time.monotonic()
    return lambda line: on_line(f"{time.monotonic() - begun_s:6.1f} s  {line}")


def main(arguments: list[str] | None = None) -> int:
    """Run a pipeline from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operators.headless.run", description=__doc__)
    parser.add_argument("pipeline")
    parser.add_argument("--conf", default="{}", metavar="JSON", help="the run's params")
    parser.add_argument("--keep", action="store_true", help="leave the servers for later runs")
    parser.add_argument("--dags", type=Path, default=ROOT / "dags", help="folder of the DAG files")
    given = parser.parse_args(arguments)
    try:
        conf = parse_json(given.conf, "--conf")
    except ConfigError as error:
        parser.error(str(error))
    if not isinstance(conf, dict):
        parser.error(f"--conf: expected a JSON object of params, got {given.conf!r}")
    try:
        result = run_headless(
            given.pipeline, conf, dags=given.dags.resolve(), keeps=given.keep, on_line=say
        )
    except KeyboardInterrupt:
        say(_INTERRUPTED)
        return 130
    except SystemExit:
        say(_INTERRUPTED)
        raise
    except OrreryError as error:
        say(f"ERROR {error}")
        return 1
    say(f"{given.pipeline}: {result.state} in {result.seconds:.0f} s")
    for task, refs in result.results.items():
        for ref in refs:
            say(f"  {task}: {ref.uri}")
    say(f"  MLflow run {result.mlflow_run_id} (`make up`, then its UI), log {result.log}")
    return 0 if result.state == "success" else 1


if __name__ == "__main__":
    sys.exit(main())
