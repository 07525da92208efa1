"""Runs a pipeline without the full stack: Ray, MLflow and Airflow come up, run it, and go.

    python -m operators.stack.headless restitch --conf '{"captures": "captures"}'

Servers of `make up`, or that an earlier run kept, are used if they run; otherwise private ones are
started on free ports.
Results stay in the artifact store, MLflow's records and the logs under ``.state``.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import hashlib
import json
import pkgutil
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from operators.installation import PROFILE, ROOT, config_path, load_profile, profile_name
from operators.installed_code import code_digest
from operators.schedule.ray_jobs import RayJobs
from operators.stack import processes, services
from operators.stack.databases import bring_up_to_date
from operators.stack.headless_servers import (
    KeptServers,
    RunServers,
    borrow,
    environment,
    offer,
    take,
)
from operators.stack.interrupts import ended_by_signals
from operators.stack.services import Ports
from operators.stack.state import STATE, ray_token
from operators.stack.supervise import running_ports
from tasks.core.errors import ConfigError, OrreryError
from tasks.core.files import whole_file
from tasks.core.outside.documents import parse_json
from tasks.core.outside.roots import quoted
from tasks.core.params import load_config
from tasks.core.records import ArtifactRef

ORDER, READY, RESULT, CONSOLE = "order.json", "ready", "result.json", "console.log"
NUM_RUNS_KEPT = 20
FOLDER = STATE / "headless"
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
            `operators.stack.headless_servers`.
        on_line: Receives each line of progress.

    Raises:
        ConfigError: There is no such pipeline, or a param is unknown or wrong; nothing was started.
        TransientError: A server does not start.
    """
    check_settings(_dag_file(dags, dag_id), conf or {}, profile or profile_name())
    say = _clock(on_line)
    begun_s = time.monotonic()
    servers: RunServers | KeptServers | None = None
    with _run_folder(_fitting(dags)) as (folder, child), ended_by_signals() as begin_to_end:
        mark, ports = folder.name, running_ports()
        try:
            if ports is None:
                servers = _servers(folder, keeps, say)
                ports = servers.ports
            else:
                say(f"using the running stack: MLflow {ports.mlflow_url}, Ray {ports.ray_url}")
            services.write_profile(folder / "profile.yaml", profile or profile_name(), ports)
            if child is None or not processes.lives(child):
                child = _start_airflow(folder, dags, ports, say)
            _write(folder / ORDER, {"dag": dag_id, "conf": conf or {}})
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


def check_settings(file: Path, conf: Mapping[str, Any], profile: str) -> None:
    """Check a run's params against the settings that a DAG file names, without loading Airflow.

    Args:
        file: The DAG file; it names the class of its settings as ``pipeline(…, config=Name)``, or
            ``config=module.Name``. What it makes itself is left to the run's first task.
        conf: The params.
        profile: Name or path of the profile.

    Raises:
        ConfigError: A param is unknown or wrong, or names a path that the profile does not allow,
            or there are no such settings.
    """
    for settings in _settings(file):
        config = load_config(settings, config_path(file.stem), conf)
        load_profile(profile).check_paths(config)


def _settings(file: Path) -> Iterator[Any]:
    """The settings' class that a DAG file imports."""
    tree = ast.parse(file.read_text("utf-8"), str(file))
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {
                each.asname or each.name: f"{node.module}.{each.name}" for each in node.names
            }
        elif isinstance(node, ast.Import):
            imported |= {each.asname or each.name: each.name for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("pipeline"):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            module, dot, name = given.get("config", "").rpartition(".")
            known = imported.get(module or name)
            if known is None:
                continue
            try:
                yield pkgutil.resolve_name(f"{known}{dot}{name}" if dot else known)
            except (ImportError, AttributeError, ValueError) as error:
                raise ConfigError(f"{file}: its settings can't be found: {error}") from error


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
    command = [sys.executable, "-m", "operators.stack.headless_child", f"--folder={folder}"]
    log = folder / "airflow.log"
    child = processes.start(command, mark=folder.name, env=env, log=log, folder=ROOT)
    child.returncode = 0  # a spare one outlives this process: nobody is to wait for it
    return psutil.Process(child.pid)


def _leave_spare(dags: Path, servers: KeptServers) -> None:
    """Start the next run's Airflow; it ends with the servers' keeper, unless a run takes it."""
    if servers.keeper is not None:
        folder, fitting = _new_folder(servers.keeper), _fitting(dags)
        spare = _start_airflow(folder, dags, servers.ports, lambda _line: None)
        offer(folder, spare, fitting)


def _fitting(dags: Path) -> str:
    """Digest of all that Airflow's process has from its start: another run's may be other."""
    known = json.dumps([str(dags), code_digest(), environment()])
    return hashlib.sha256(known.encode()).hexdigest()


def _dag_file(dags: Path, dag_id: str) -> Path:
    files = {path.stem: path for path in sorted(dags.glob("[!_]*.py"))}
    if dag_id not in files:
        raise ConfigError(f"there is no pipeline {quoted(dag_id)}, there are: {', '.join(files)}")
    return files[dag_id]


def _follow(child: psutil.Process, folder: Path, say: Callable[[str], None]) -> str:
    """Pass on the lines of the process that runs the DAG; returns how the DAG run ended."""
    rest = ""
    with (folder / CONSOLE).open(encoding="utf-8", errors="replace") as lines:
        while True:
            is_alive = processes.lives(child)
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
    processes.end(mark)


async def _stop_jobs(address: str, mark: str = "") -> None:
    """Stop what a run, and those that were killed, left running on a cluster of others."""
    with suppress(OrreryError):
        async with RayJobs(address, ray_token()) as jobs:
            for job in await jobs.jobs():
                theirs = job.metadata.get("stack") or "."
                is_orphan = (FOLDER / theirs).parent == FOLDER and _was_left(FOLDER / theirs)
                if (theirs == mark or is_orphan) and not job.has_ended:
                    await jobs.stop(job.job_id)


def _told(folder: Path) -> dict[str, Any]:
    """What the process that ran the DAG said of its end."""
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


@contextmanager
def _run_folder(fitting: str = "") -> Iterator[tuple[Path, psutil.Process | None]]:
    """A folder for one run's logs, with Airflow's process if a spare one fits.

    What an earlier run left, if it was killed, is ended first.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in sorted(FOLDER.iterdir()):
        if not is_owned(old):
            processes.end(old.name)
            _drop_bulk(old)
    for old in [each for each in sorted(FOLDER.iterdir()) if not is_owned(each)][:-NUM_RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    folder, child = take(fitting) or (_new_folder(psutil.Process()), None)
    _own(folder, psutil.Process())
    try:
        yield folder, child
    finally:
        (folder / "owner.json").unlink()
        _drop_bulk(folder)


def _new_folder(owner: psutil.Process) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = Path(tempfile.mkdtemp(prefix=f"{stamp}-", dir=FOLDER))
    _own(folder, owner)
    return folder


def _own(folder: Path, owner: psutil.Process) -> None:
    """Note which process has to live for a folder to be used."""
    _write(folder / "owner.json", processes.noted(owner))


def _write(path: Path, document: Any) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(document))


def _was_left(folder: Path) -> bool:
    """Whether a run was killed before it closed its folder."""
    return (folder / "owner.json").exists() and not is_owned(folder)


def is_owned(folder: Path) -> bool:
    """Whether the process still lives that a folder belongs to: a run, or the servers' keeper."""
    try:
        pid, created = json.loads((folder / "owner.json").read_text())
    except (OSError, ValueError):
        return False
    return processes.find_noted(pid, created) is not None


def _drop_bulk(folder: Path) -> None:
    """Keep a run's logs only: Ray's folder and Airflow's database have served."""
    link = folder / "ray"
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()
    for name in ("airflow.db", "airflow.cfg"):
        (folder / name).unlink(missing_ok=True)


def _clock(on_line: Callable[[str], None]) -> Callable[[str], None]:
    begun_s = time.monotonic()
    return lambda line: on_line(f"{time.monotonic() - begun_s:6.1f} s  {line}")


def main(arguments: list[str] | None = None) -> int:
    """Run a pipeline from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operators.stack.headless", description=__doc__)
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
            given.pipeline, conf, dags=given.dags.resolve(), keeps=given.keep, on_line=_print
        )
    except KeyboardInterrupt:
        _print(_INTERRUPTED)
        return 130
    except SystemExit:
        _print(_INTERRUPTED)
        raise
    except OrreryError as error:
        _print(f"ERROR {error}")
        return 1
    _print(f"{given.pipeline}: {result.state} in {result.seconds:.0f} s")
    for task, refs in result.results.items():
        for ref in refs:
            _print(f"  {task}: {ref.uri}")
    _print(f"  MLflow run {result.mlflow_run_id} (`make up`, then its UI), log {result.log}")
    return 0 if result.state == "success" else 1


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
