"""Servers under a supervisor that keeps them alive: those of `make up` and of headless runs.

A server that ends is started again, also while it starts, since a busy machine fails Ray's head.
All of them bear the stack's mark, so that nothing of them is left when the stack is ended.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xmlrpc.client import ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from operators.installation import MARK, ROOT
from operators.processes import marked
from operators.tries import SERVER_RESTARTS, SERVER_STEADY_S
from tasks.core.errors import TransientError

_LOG = "supervisord.log"
_EVENT = re.compile(
    r"(?P<when>\S+ [\d:]+),\d+ \w+ (?:(?P<begun>supervisord started)|"
    r"spawned: '(?P<started>[^']+)'|exited: (?P<ended>\S+) \((?P<why>[^;)]*))"
)


@dataclass(frozen=True)
class Program:
    """One server.

    Attributes:
        command: Program and arguments.
        starts_at_once: Whether it starts with the supervisor; the others start with
            `Servers.start_rest`.
        stop_signal: How it is asked to end.
    """

    command: list[str]
    starts_at_once: bool = True
    stop_signal: str = "TERM"


class Servers:
    """The servers of one stack."""

    def __init__(
        self,
        programs: Mapping[str, Program],
        *,
        mark: str,
        env: Mapping[str, str],
        logs: Path,
        sockets: Path,
        say: Callable[[str], None],
    ) -> None:
        """Start the supervisor and what starts at once.

        Args:
            programs: The servers by name.
            mark: Name of the stack; see `marked.members`.
            env: Their environment.
            logs: Folder of their logs, ``<name>.log``.
            sockets: Folder of the control socket and the note of the supervisor's process; its
                path must be short.
            say: Receives lines for people.
        """
        logs.mkdir(parents=True, exist_ok=True)
        self._logs, self._sockets, self._say = logs, sockets, say
        config = sockets / "supervisord.conf"
        config.write_text(supervisor_config(programs, mark, logs, sockets))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        log = logs / "supervisord.out"
        self._supervisor = marked.start(command, mark=mark, env=env, log=log, folder=ROOT)

    def wait(self, name: str, is_up: Callable[[], bool], limit_s: float) -> None:
        """Wait until a server answers, and say so.

        Raises:
            TransientError: It does not answer; the message names its log.
        """
        try:
            waited_s = marked.wait_until(
                name, is_up, limit_s, lambda: self._supervisor.poll() is None, self._say
            )
        except TransientError as error:
            raise TransientError(f"{error}; its log is in {self._logs}") from error
        self._say(f"{name} is up ({waited_s:.0f} s more)" if waited_s > 1 else f"{name} is up")

    def start_rest(self) -> None:
        """Start all but what started at once."""
        socket = f"unix://{self._sockets}/supervisor.sock"
        transport = SupervisorTransport(None, None, socket)
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            proxy.supervisor.startAllProcesses(False)

    def end(self, patience_s: float) -> None:
        """End the supervisor, which ends its servers in order; kill what is left.

        Orphans, such as the agents of a Ray head that was killed, get no time: they don't listen
        to TERM.
        """
        session = [self._supervisor.pid]
        supervisor = [each for each in marked.members("", session) if each.pid in session]
        marked.ask_to_end(supervisor, patience_s)
        marked.end("", session, 0.0)
        self._supervisor.wait()


def end_noted(mark: str, sockets: Path, patience_s: float, orphans_s: float) -> int:
    """End the servers that another process started.

    The supervisor ends its servers in order. What is left then are orphans of servers that were
    killed before, such as the workers of a scheduler; they don't listen to TERM.

    Returns:
        How many processes had to be killed.
    """
    marked.ask_to_end(supervisor(mark, sockets), patience_s)
    return marked.end(mark, patience_s=orphans_s)


def supervisor(mark: str, sockets: Path) -> list[psutil.Process]:
    """Return the supervisor that another process started; nothing if it has ended."""
    try:
        pid = int((sockets / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return []
    return [process for process in marked.members(mark) if process.pid == pid]


def restarts(logs: Path) -> list[str]:
    """Say how often each server was started again since the supervisor was, and why last time."""
    try:
        log = (logs / _LOG).read_text("utf-8", "replace")
    except OSError:
        return []
    begun = ""
    starts: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for event in _EVENT.finditer(log):
        if event["begun"]:
            begun, starts, reasons = event["when"], {}, {}
        elif event["started"]:
            starts.setdefault(event["started"], []).append(event["when"])
        else:
            reasons[event["ended"]] = event["why"]
    again = {name: times for name, times in starts.items() if len(times) > 1}
    if not again:
        return [f"no server was restarted since {begun} UTC"]
    return [
        f"{name} was restarted {_times(len(times) - 1)} since {begun} UTC, "
        f"last at {times[-1]} ({reasons.get(name, 'it ended')})"
        for name, times in again.items()
    ]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def supervisor_config(programs: Mapping[str, Program], mark: str, logs: Path, sockets: Path) -> str:
    """Return supervisord.conf; see `Servers`.

    A server that ends within `SERVER_STEADY_S` of its start is started again after a pause, which
    grows by a second each time.
    """
    alone = [sys.executable, "-m", "operators.processes.alone"]
    head = f"""[supervisord]
nodaemon=true
logfile={logs}/{_LOG}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={sockets}/supervisord.pid
[unix_http_server]
file={sockets}/supervisor.sock
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{sockets}/supervisor.sock
"""
    return head + "".join(
        f"""[program:{name}]
command={shlex.join([*alone, *program.command]).replace("%", "%%")}
environment={MARK}="{mark}/{name}"
directory={ROOT}
autostart={str(program.starts_at_once).lower()}
autorestart=true
startsecs={SERVER_STEADY_S}
startretries={SERVER_RESTARTS}
stopsignal={program.stop_signal}
stopwaitsecs=20
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""
        for name, program in programs.items()
    )
