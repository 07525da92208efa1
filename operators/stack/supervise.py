"""The full stack on one machine: up, down, status; a supervisor keeps its seven servers alive.

    python -m operators.stack.supervise up

Airflow (API server, scheduler, DAG processor, triggerer), MLflow, the Ray head and the server of
models, all on the loopback interface. What is started is noted in ``.state/stack.json`` and ended
by that note.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from operators.access import SERVING_TOKEN
from operators.installation import (
    AIRFLOW_URL,
    MLFLOW_URL,
    RAY_URL,
    ROOT,
    load_profile,
    profile_name,
)
from operators.plain_log import say
from operators.processes import marked
from operators.processes.ports import Ports
from operators.processes.supervised import Program, Servers, end_noted, restarts, supervisor
from operators.stack import databases, services
from operators.stack.leftovers import clear
from operators.stack.state import STATE, open_state, passwords, ray_token, serving_token
from tasks.core.errors import OrreryError, ResourceError
from tasks.core.files import whole_file

NOTE = STATE / "stack.json"
LOGS = STATE / "logs"
MARK = f"stack-{hashlib.sha256(str(STATE).encode()).hexdigest()[:8]}"
WISHED_PORTS = {
    "airflow": 8080,
    "mlflow": 5000,
    "ray": 8265,
    "serving": 8501,
    "serving_grpc": 8500,
}
UP_LIMIT_S = 240.0
DOWN_LIMIT_S, ORPHANS_LIMIT_S = 45.0, 3.0
# Runs of the pool's tasks at a time, waiting ones included.
POOL_SLOTS = 8
EXIT_DOWN = 3

_CHECKS: tuple[tuple[str, Callable[[Ports], bool]], ...] = (
    ("Ray", services.ray_is_up),
    ("MLflow", services.mlflow_is_up),
    ("Airflow", services.airflow_is_up),
    ("Models", services.serving_is_up),
)


def running_ports() -> Ports | None:
    """Where the stack's Ray and MLflow listen; None if they don't."""
    ports = _noted()
    if ports and services.ray_is_up(ports) and services.mlflow_is_up(ports):
        return ports
    return None


def up(dags: Path = ROOT / "dags") -> None:
    """Start the stack and wait until all of it is well.

    Raises:
        TransientError: A server does not start; the message names it.
    """
    with _lock():
        begun_s = time.monotonic()
        ports = _noted()
        supervised = supervisor(MARK, _run_folder())
        if ports and supervised and all(check(ports) for _, check in _CHECKS):
            say("the stack is up already")
        else:
            _end()
            clear(timedelta(days=load_profile(profile_name()).keep.days), say)
            ports = Ports.choose(**WISHED_PORTS)
            _start(ports, dags)
            _count_waiting_tasks(ports)
            say(f"the stack is up after {time.monotonic() - begun_s:.0f} s")
        _print_addresses(ports)


def down() -> None:
    """Stop the stack; nothing that it started is left."""
    with _lock():
        begun_s, was_up = time.monotonic(), NOTE.exists()
        num_killed = _end()
        NOTE.unlink(missing_ok=True)
        shutil.rmtree(_run_folder(), ignore_errors=True)
        how = f", {num_killed} processes had to be killed" if num_killed else ""
        seconds = time.monotonic() - begun_s
        say(f"the stack is down after {seconds:.0f} s{how}" if was_up else "the stack was down")


def status() -> int:
    """Print what runs; returns 0 if all does, 3 if not."""
    ports = _noted()
    alive = marked.members(MARK)
    if ports is None or not alive:
        say(f"the stack is down{f', but {len(alive)} processes are left' if alive else ''}")
        return EXIT_DOWN
    states = {name: check(ports) for name, check in _CHECKS}
    urls = {
        "Ray": ports.ray_url,
        "MLflow": ports.mlflow_url,
        "Airflow": ports.airflow_url,
        "Models": ports.serving_url,
    }
    for name, is_up in states.items():
        say(f"{name:8}{'up  ' if is_up else 'DOWN'}  {urls[name]}")
    say(f"database {noted_database() or 'not noted'}")
    for line in restarts(LOGS):
        say(line)
    supervised = supervisor(MARK, _run_folder())
    if not supervised:
        say("their supervisor has ended, so none is started again: `make up` starts all anew")
    say(f"{len(alive)} processes, {marked.memory_gb(alive):.1f} GB, logs in {LOGS}")
    return 0 if supervised and all(states.values()) else EXIT_DOWN


def programs(ports: Ports, folder: Path) -> dict[str, Program]:
    """Return the servers of the stack; Ray gives up on a busy machine, so it starts alone."""
    found = {
        "ray": Program(services.ray_command(ports, folder / "ray")),
        "mlflow": Program(services.mlflow_command(ports), starts_at_once=False),
        "serving": Program(services.serving_command(ports), starts_at_once=False),
    }
    return found | {
        f"airflow-{name}": Program(services.airflow_command(name, ports), starts_at_once=False)
        for name in services.AIRFLOW_SERVICES
    }


def _start(ports: Ports, dags: Path) -> None:
    home, folder = STATE / "airflow", _run_folder()
    env = services.base_env() | services.airflow_env(home, dags, ports)
    env |= services.write_profile(STATE / "stack-profile.yaml", profile_name(), ports, serves=True)
    env |= {AIRFLOW_URL: ports.airflow_url, MLFLOW_URL: ports.mlflow_url, RAY_URL: ports.ray_url}
    env |= databases.airflow_env(home)
    say(f"the servers keep their records in {databases.told()}")
    found = programs(ports, folder)
    databases.bring_up_to_date(home, env, say)
    servers = Servers(found, mark=MARK, env=env, logs=LOGS, sockets=folder, say=say)
    note(ports, databases.told())
    for index, (name, check) in enumerate(_CHECKS):
        servers.wait(name, partial(check, ports), UP_LIMIT_S)
        if index == 0:
            servers.start_rest()


def _end() -> int:
    """End the servers; returns how many processes had to be killed."""
    return end_noted(MARK, _run_folder(), DOWN_LIMIT_S, ORPHANS_LIMIT_S)


def _count_waiting_tasks(ports: Ports) -> None:
    """Let the pool count deferred tasks: a stage that waits for its job holds a slot."""
    password = json.loads(passwords().read_text())["admin"]
    with httpx.Client(base_url=ports.airflow_url, timeout=30.0, trust_env=False) as client:
        login = client.post("/auth/token", json={"username": "admin", "password": password})
        client.headers["Authorization"] = (
            f"Bearer {login.raise_for_status().json()['access_token']}"
        )
        pool = {"pool": "default_pool", "slots": POOL_SLOTS, "include_deferred": True}
        # Of the default pool only these may change, so only these may be named.
        mask = {"update_mask": ["slots", "include_deferred"]}
        client.patch("/api/v2/pools/default_pool", params=mask, json=pool).raise_for_status()


def note(ports: Ports, database: str = "") -> None:
    """Note where the servers listen, which `running_ports` reads, and what `status` tells."""
    with whole_file(NOTE) as partial:
        partial.write_text(json.dumps(asdict(ports) | {"database": database}))


def noted_database() -> str:
    """Where the stack keeps its records, for people; empty if that is not noted."""
    return str(_read_note().get("database", ""))


def _noted() -> Ports | None:
    try:
        return Ports.parse(_read_note())
    except (KeyError, TypeError):
        return None


def _read_note() -> dict[str, Any]:
    try:
        return dict(json.loads(NOTE.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _run_folder() -> Path:
    """A folder with a short path for sockets, which only this user can enter."""
    folder = Path(tempfile.gettempdir()) / f"orrery-{os.getuid()}-{MARK}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise ResourceError(f"{folder} belongs to somebody else: remove it")
    return folder


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One `up` or `down` at a time."""
    with (open_state() / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _print_addresses(ports: Ports) -> None:
    say(f"Airflow  {ports.airflow_url}  user admin, password in {passwords()}")
    say(f"MLflow   {ports.mlflow_url}")
    say(f"Ray      {ports.ray_url}  token in {ray_token()}")
    token = SERVING_TOKEN if os.environ.get(SERVING_TOKEN) else serving_token()
    say(f"Models   {ports.serving_url}/v1/models/NAME, gRPC on port {ports.serving_grpc}")
    say(f"         token in {token}")
    say(f"database {noted_database() or 'not noted'}")
    say("`make status` tells how it is, `make down` stops it")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m operators.stack.supervise", description=__doc__
    )
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--dags", type=Path, default=ROOT / "dags", help="folder of the DAG files")
    given = parser.parse_args(arguments)
    try:
        if given.command == "status":
            return status()
        if given.command == "up":
            up(given.dags.resolve())
        else:
            down()
    except OrreryError as error:
        say(f"ERROR {error}; logs are in {LOGS}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
