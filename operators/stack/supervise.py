"""The full stack on one machine: up, down, status. Supervisor keeps its six servers alive.

    python -m operators.stack.supervise up

Airflow (API server, scheduler, DAG processor, triggerer), MLflow and the Ray head, all on the
loopback interface. What is started is noted in ``.state/stack.json`` and ended by that note.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from xmlrpc.client import ServerProxy

import httpx
from supervisor.xmlrpc import SupervisorTransport

from operators.installation import AIRFLOW_URL, MLFLOW_URL, RAY_URL, ROOT, profile_name
from operators.stack import processes, services
from operators.stack.airflow_database import fresh_database
from operators.stack.services import STATE, Ports
from tasks.core.errors import OrreryError, ResourceError

NOTE = STATE / "stack.json"
LOGS = STATE / "logs"
MARK = f"stack-{hashlib.sha256(str(STATE).encode()).hexdigest()[:8]}"
WISHED_PORTS = (8080, 5000, 8265)
UP_LIMIT_S = 240.0
DOWN_LIMIT_S, ORPHANS_LIMIT_S = 45.0, 3.0
# Runs of the pool's tasks at a time, waiting ones included.
POOL_SLOTS = 8
EXIT_DOWN = 3

_CHECKS: tuple[tuple[str, Callable[[Ports], bool]], ...] = (
    ("Ray", services.ray_is_up),
    ("MLflow", services.mlflow_is_up),
    ("Airflow", services.airflow_is_up),
)


def running_ports() -> Ports | None:
    """Where the stack's Ray and MLflow listen; None if they don't."""
    ports = _noted()
    if ports and services.ray_is_up(ports) and services.mlflow_is_up(ports):
        return ports
    return None


def up(dags: Path = ROOT / "dags") -> None:
    """Start the stack and wait until all of it is well.

    Args:
        dags: Folder of the DAG files.

    Raises:
        TransientError: A server does not start; the message names it.
    """
    with _lock():
        begun_s = time.monotonic()
        ports = _noted()
        if ports and all(check(ports) for _, check in _CHECKS):
            _say("the stack is up already")
        else:
            _end()
            ports = Ports.choose(*WISHED_PORTS)
            _start(ports, dags)
            _count_waiting_tasks(ports)
            _say(f"the stack is up after {time.monotonic() - begun_s:.0f} s")
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
        _say(f"the stack is down after {seconds:.0f} s{how}" if was_up else "the stack was down")


def status() -> int:
    """Print what runs; returns 0 if all does, 3 if not."""
    ports = _noted()
    alive = processes.members(MARK)
    if ports is None or not alive:
        _say(f"the stack is down{f', but {len(alive)} processes are left' if alive else ''}")
        return EXIT_DOWN
    states = {name: check(ports) for name, check in _CHECKS}
    urls = {"Ray": ports.ray_url, "MLflow": ports.mlflow_url, "Airflow": ports.airflow_url}
    for name, is_up in states.items():
        _say(f"{name:8}{'up  ' if is_up else 'DOWN'}  {urls[name]}")
    memory_gb = sum(process.memory_info().rss for process in alive) / 1e9
    _say(f"{len(alive)} processes, {memory_gb:.1f} GB, logs in {LOGS}")
    return 0 if all(states.values()) else EXIT_DOWN


def supervisor_config(ports: Ports, folder: Path) -> str:
    """Return supervisord.conf.

    Args:
        ports: Where the servers listen.
        folder: Folder for the control socket and for Ray; the path must be short.
    """
    programs = {
        "ray": services.ray_command(ports, folder / "ray"),
        "mlflow": services.mlflow_command(ports),
    }
    programs |= {
        f"airflow-{name}": services.airflow_command(name, ports)
        for name in services.AIRFLOW_SERVICES
    }
    sections = [
        f"""[supervisord]
nodaemon=true
logfile={LOGS}/supervisord.log
pidfile={folder}/supervisord.pid
[unix_http_server]
file={folder}/supervisor.sock
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/supervisor.sock
"""
    ]
    sections += [
        f"""[program:{name}]
command={shlex.join(command).replace("%", "%%")}
directory={ROOT}
autostart={"true" if name == "ray" else "false"}
autorestart=true
startsecs=10
startretries=5
stopwaitsecs=20
killasgroup=true
redirect_stderr=true
stdout_logfile={LOGS}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""
        for name, command in programs.items()
    ]
    return "".join(sections)


def _end() -> int:
    """End the servers; returns how many processes had to be killed.

    Supervisor ends its servers in order. What is left then are orphans of servers that were
    killed before, such as the workers of a scheduler; they don't listen to TERM.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = int((_run_folder() / "supervisord.pid").read_text())
        server = [process for process in processes.members(MARK) if process.pid == pid]
        processes.ask_to_end(server, DOWN_LIMIT_S)
    return processes.end(MARK, patience_s=ORPHANS_LIMIT_S)


def _start(ports: Ports, dags: Path) -> None:
    home, folder = STATE / "airflow", _run_folder()
    LOGS.mkdir(parents=True, exist_ok=True)
    env = services.base_env() | services.airflow_env(home, dags, ports)
    env |= services.write_profile(STATE / "stack-profile.yaml", profile_name(), ports)
    env |= {
        AIRFLOW_URL: ports.airflow_url,
        MLFLOW_URL: ports.mlflow_url,
        RAY_URL: ports.ray_url,
    }
    _migrate(home, env)
    config = folder / "supervisord.conf"
    config.write_text(supervisor_config(ports, folder))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    server = processes.start(command, mark=MARK, env=env, log=LOGS / "supervisord.out", folder=ROOT)
    note(ports)
    for index, (name, check) in enumerate(_CHECKS):
        waited_s = processes.wait_until(
            name, partial(check, ports), UP_LIMIT_S, lambda: server.poll() is None, _say
        )
        _say(f"{name} is up ({waited_s:.0f} s more)")
        if index == 0:
            _start_rest(folder)


def _start_rest(folder: Path) -> None:
    """Start all but Ray, which gives up on a busy machine and so comes first and alone."""
    transport = SupervisorTransport(None, None, f"unix://{folder}/supervisor.sock")
    with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
        proxy.supervisor.startAllProcesses(False)


def _migrate(home: Path, env: dict[str, str]) -> None:
    """Bring Airflow's database to the installed version; a new one is copied ready-made."""
    version, known = importlib.metadata.version("apache-airflow"), home / "version"
    is_new = not (home / "airflow.db").exists()
    fresh_database(home, env)
    if not is_new and (not known.exists() or known.read_text() != version):
        _say("migrating Airflow's database")
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            raise ResourceError(f"`airflow db migrate` failed: {done.stderr.decode()[-2000:]}")
    known.write_text(version)


def _count_waiting_tasks(ports: Ports) -> None:
    """Let the pool count deferred tasks: a stage that waits for its job holds a slot."""
    password = json.loads(services.passwords().read_text())["admin"]
    with httpx.Client(base_url=ports.airflow_url, timeout=30.0, trust_env=False) as client:
        login = client.post("/auth/token", json={"username": "admin", "password": password})
        client.headers["Authorization"] = (
            f"Bearer {login.raise_for_status().json()['access_token']}"
        )
        pool = {"pool": "default_pool", "slots": POOL_SLOTS, "include_deferred": True}
        # Of the default pool only these may change, so only these may be named.
        mask = {"update_mask": ["slots", "include_deferred"]}
        client.patch("/api/v2/pools/default_pool", params=mask, json=pool).raise_for_status()


def note(ports: Ports) -> None:
    """Note where the servers listen; `running_ports` reads it."""
    STATE.mkdir(parents=True, exist_ok=True)
    NOTE.write_text(json.dumps(asdict(ports)))


def _noted() -> Ports | None:
    try:
        noted = json.loads(NOTE.read_text())
    except (OSError, ValueError):
        return None
    return Ports(**noted | {"ray_inner": tuple(noted["ray_inner"])})


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
    STATE.mkdir(exist_ok=True)
    with (STATE / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _print_addresses(ports: Ports) -> None:
    _say(f"Airflow  {ports.airflow_url}  user admin, password in {services.passwords()}")
    _say(f"MLflow   {ports.mlflow_url}")
    _say(f"Ray      {ports.ray_url}  token in {services.ray_token()}")
    _say("`make status` tells how it is, `make down` stops it")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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
        _say(f"ERROR {error}; logs are in {LOGS}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
