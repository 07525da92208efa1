"""Ray and MLflow of headless runs: a run's own, or kept for later ones (``make run KEEP=1``).

Kept servers belong to a keeper, a process of its own, which ends them when no run has used them for
a while. A run that uses them holds a shared lock, which the kernel gives back however the run ends;
so what is kept is bounded, and two runs at once share it. Each leaves a spare process of Airflow,
which one later run takes if it was started from the same code and environment.

    python -m operators.headless.servers end
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO

import psutil

from operators.headless.folders import KEPT, drop_ray, take, write
from operators.installation import PROFILE, ROOT
from operators.plain_log import say
from operators.processes import marked
from operators.processes.interrupts import ended_by_signals
from operators.processes.ports import Ports
from operators.processes.supervised import Program, Servers
from operators.stack import services
from operators.stack.state import STATE
from operators.tries import KEPT_S
from tasks.core.errors import OrreryError

MLFLOW_LIMIT_S, RAY_LIMIT_S = 90.0, 180.0
END_LIMIT_S = 10.0
MARK = f"kept-{hashlib.sha256(str(STATE).encode()).hexdigest()[:8]}"
_POLL_S = 1.0
# What the shell and make set anew for each command, and what each run has of its own.
_PASSING = {"_", "SHLVL", "OLDPWD", "PIPELINE", "CONF", "KEEP", PROFILE}
_PASSING |= {"MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR"}


class RunServers:
    """Ray and MLflow for one run, started side by side."""

    def __init__(
        self, mark: str, folder: Path, ports: Ports, env: dict[str, str], say: Callable[[str], None]
    ) -> None:
        """Start both; `wait` says when they are up."""
        self.ports = ports
        # Short, since a socket's path may have 107 characters.
        short = Path(tempfile.mkdtemp(prefix="orrery-ray-"))
        (folder / "ray").symlink_to(short)
        # Ray ends at once: what it holds is only in memory, and its drain takes seconds.
        programs = {
            "ray": Program(services.ray_command(ports, short), stop_signal="KILL"),
            "mlflow": Program(services.mlflow_command(ports)),
        }
        self._servers = Servers(programs, mark=mark, env=env, logs=folder, sockets=short, say=say)

    def wait(self) -> None:
        """Wait until both are up.

        Raises:
            TransientError: One does not start; the message names its log.
        """
        self._servers.wait("MLflow", partial(services.mlflow_is_up, self.ports), MLFLOW_LIMIT_S)
        self._servers.wait("Ray", partial(services.ray_is_up, self.ports), RAY_LIMIT_S)

    def end(self) -> None:
        """End both."""
        self._servers.end(END_LIMIT_S)


class KeptServers:
    """Servers that a keeper keeps, while a run uses them."""

    def __init__(self, ports: Ports, lock: IO[str]) -> None:
        """Use them until `end`; see `borrow`."""
        self.ports = ports
        self._lock = lock

    @property
    def keeper(self) -> psutil.Process | None:
        """Who keeps them, if it lives."""
        return noted[1] if (noted := _noted()) is not None else None

    def wait(self) -> None:
        """Wait until both are up; they may have been started a moment ago.

        Raises:
            TransientError: One does not start.
        """
        for name, is_up in (("MLflow", services.mlflow_is_up), ("Ray", services.ray_is_up)):
            marked.wait_until(
                name, partial(is_up, self.ports), RAY_LIMIT_S, lambda: _noted() is not None
            )

    def end(self) -> None:
        """Let them go; the keeper counts from here."""
        self._lock.close()


def borrow(say: Callable[[str], None], *, starts: bool) -> KeptServers | None:
    """Use the kept servers.

    Args:
        say: Receives a line for people.
        starts: Whether they are started where there are none.

    Returns:
        None where there are none, or where they have another environment: the stages, which
        have theirs, might look into another store than the run.
    """
    if not starts and not KEPT.exists():
        return None
    KEPT.mkdir(parents=True, exist_ok=True)
    lock = (KEPT / "users.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    with (KEPT / "start.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if (noted := _noted()) is not None:
            ports, _, theirs = noted
            if theirs != environment():
                say("the kept servers have another environment: this run starts its own")
                lock.close()
                return None
            say(f"using the kept servers: MLflow {ports.mlflow_url}, Ray {ports.ray_url}")
        elif starts:
            say(f"starting Ray and MLflow, kept until {KEPT_S / 60:g} minutes after their last run")
            ports = Ports.choose()
            _start_keeper(ports)
        else:
            lock.close()
            return None
    return KeptServers(ports, lock)


def environment() -> str:
    """Digest of what a run's processes have from the environment."""
    env = {name: value for name, value in services.base_env().items() if name not in _PASSING}
    return hashlib.sha256(json.dumps(env, sort_keys=True).encode()).hexdigest()


def end_kept() -> bool:
    """End what is kept, whoever uses it; returns whether there was anything."""
    was_there = bool(marked.members(MARK))
    if (noted := _noted()) is not None:
        marked.ask_to_end([noted[1]], 3 * END_LIMIT_S)
    marked.end(MARK, patience_s=0.0)
    _forget()
    return was_there


def keep(ports: Ports, kept_s: float) -> None:
    """Keep servers until nobody has used them for a while: what the keeper does.

    Args:
        ports: Where they listen.
        kept_s: For how long nobody uses them before they end.
    """
    with ended_by_signals() as begin_to_end, (KEPT / "users.lock").open("w") as lock:
        servers = RunServers(MARK, KEPT, ports, services.base_env(), say)
        try:
            servers.wait()
            used_s = time.monotonic()
            while True:
                time.sleep(_POLL_S)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    used_s = time.monotonic()
                    continue
                if time.monotonic() - used_s > kept_s:
                    (KEPT / "keeper.json").unlink(missing_ok=True)  # while nobody can come
                    return
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            begin_to_end()
            servers.end()
            _forget()


def _start_keeper(ports: Ports) -> None:
    """Start the keeper and note it; what a keeper that was killed left is ended first."""
    marked.end(MARK, patience_s=0.0)
    _forget()
    command = [sys.executable, "-m", "operators.headless.servers", "keep"]
    keeper = marked.start(
        [*command, f"--ports={json.dumps(asdict(ports))}"],
        mark=MARK,
        env=services.base_env(),
        log=KEPT / "keeper.log",
        folder=ROOT,
    )
    known = [*marked.noted(psutil.Process(keeper.pid)), asdict(ports), environment()]
    write(KEPT / "keeper.json", known)
    keeper.returncode = 0  # it outlives this process: nobody is to wait for it


def _noted() -> tuple[Ports, psutil.Process, str] | None:
    """Where the kept servers listen, their keeper and `environment`; None if it does not live."""
    with suppress(OSError, ValueError):
        pid, created, ports, theirs = json.loads((KEPT / "keeper.json").read_text())
        if (keeper := marked.find_noted(pid, created)) is not None:
            return Ports.parse(ports), keeper, theirs
    return None


def _forget() -> None:
    take("")
    (KEPT / "keeper.json").unlink(missing_ok=True)
    drop_ray(KEPT)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m operators.headless.servers", description=__doc__
    )
    parser.add_argument("command", choices=("keep", "end", "status"))
    parser.add_argument("--ports", metavar="JSON", help="where kept servers listen")
    given = parser.parse_args(arguments)
    try:
        if given.command == "keep":
            keep(Ports.parse(json.loads(given.ports)), KEPT_S)
        elif given.command == "end":
            if end_kept():
                say("the kept servers of headless runs have ended")
        elif (noted := _noted()) is not None:
            say(f"kept for headless runs: MLflow {noted[0].mlflow_url}, Ray {noted[0].ray_url}")
    except OrreryError as error:
        say(f"ERROR {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
