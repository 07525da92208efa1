"""Starts servers in sessions of their own, and ends them with all that they started.

Everything that is started bears a mark in its environment, which children inherit wherever they
are re-parented to; a process counts as ours by that mark, by its session or by its ancestry,
never by its name. (Some servers overwrite their environment when they set their title, hence
the other two.)
"""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

from operators.installation import MARK
from tasks.core.errors import ResourceError, TransientError

SAY_INTERVAL_S = 10.0
_POLL_S = 0.2
# Our servers speak HTTP on this machine; to load whom TLS trusts would cost each poll 50 ms of CPU.
_NO_AUTHORITY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def start(
    command: Sequence[str],
    *,
    mark: str,
    env: Mapping[str, str],
    log: Path,
    folder: Path,
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own; the log takes what it prints."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env={**env, MARK: mark, "SPT_NOENV": "1"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def members(mark: str, sessions: Iterable[int] = ()) -> list[psutil.Process]:
    """Return the live processes of a stack, this one excepted.

    Args:
        mark: The stack's name, or ``<name>/<server>`` for those of one server.
        sessions: Sessions that `start` opened (the process ids it returned).
    """
    known = set(sessions)
    everyone = {p.pid: p for p in psutil.process_iter() if p.pid != os.getpid() and lives(p)}
    parents = {pid: _ask(process.ppid) for pid, process in everyone.items()}
    found = {pid for pid, process in everyone.items() if _is_member(process, mark, known)}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return [everyone[pid] for pid in sorted(found)]


def end(mark: str, sessions: Iterable[int] = (), patience_s: float = 10.0) -> int:
    """End a stack: ask, wait, then kill, until nothing of it is left; see `members`.

    Returns:
        How many processes had to be killed.

    Raises:
        ResourceError: Some can't be ended.
    """
    sessions = tuple(sessions)
    ask_to_end(members(mark, sessions), patience_s)
    killed = 0
    for _ in range(10):
        left = members(mark, sessions)
        if not left:
            return killed
        for process in left:
            _ask(process.kill)
        killed += len(left)
        _wait(left, 2.0)
    raise ResourceError(f"processes {[p.pid for p in left]} don't end; kill them by hand")


def ask_to_end(ending: Sequence[psutil.Process], patience_s: float) -> None:
    """Send TERM to processes, and wait until all have ended or the patience has.

    Only those without a parent among them get it: they know in which order their children end.
    """
    ours = {process.pid for process in ending}
    for process in ending:
        if _ask(process.ppid) not in ours:
            _ask(process.terminate)
    _wait(ending, patience_s)


def wait_until(
    name: str,
    is_ready: Callable[[], bool],
    limit_s: float,
    is_alive: Callable[[], bool],
    say: Callable[[str], None] = lambda _line: None,
) -> float:
    """Wait for a server, and say now and then that we do; returns how long it took, in seconds.

    Raises:
        TransientError: It ended, or does not answer in time.
    """
    begun_s = said_s = time.monotonic()
    while not is_ready():
        waited_s = time.monotonic() - begun_s
        if time.monotonic() - said_s > SAY_INTERVAL_S:
            said_s = time.monotonic()
            say(f"waiting for {name}")
        if not is_alive():
            raise TransientError(f"{name} ended after {waited_s:.0f} s while it was starting")
        if waited_s > limit_s:
            raise TransientError(f"{name} does not answer after {limit_s:.0f} s")
        time.sleep(_POLL_S)
    return time.monotonic() - begun_s


def answers(url: str, contains: str = "", headers: Mapping[str, str] | None = None) -> bool:
    """Whether a server answers a request with success, and with a text that contains another."""
    text = answer(url, headers)
    return text is not None and contains in text


def answer(url: str, headers: Mapping[str, str] | None = None) -> str | None:
    """What a server answers a request with; None without success."""
    try:
        reply = httpx.get(
            url, timeout=5.0, headers=dict(headers or {}), trust_env=False, verify=_NO_AUTHORITY
        )
    except httpx.HTTPError:
        return None
    return reply.text if reply.is_success else None


def memory_gb(of: Iterable[psutil.Process]) -> float:
    """Memory of processes, as far as they still live."""
    told = (_ask(process.memory_info) for process in of)
    return float(sum(each.rss for each in told if each)) / 1e9


def _wait(ending: Iterable[psutil.Process], limit_s: float) -> None:
    """Wait until processes have ended. A zombie has, even if nobody collects it."""
    until_s = time.monotonic() + limit_s
    while any(lives(process) for process in ending) and time.monotonic() < until_s:
        time.sleep(_POLL_S / 2)


def _is_member(process: psutil.Process, mark: str, sessions: set[int]) -> bool:
    if sessions and _ask(lambda: os.getsid(process.pid)) in sessions:
        return True
    env: dict[str, str] = _ask(process.environ) or {}
    return env.get(MARK) == mark or env.get(MARK, "").startswith(f"{mark}/")


def lives(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended and that nobody collected does not."""
    return _ask(process.status) not in (None, psutil.STATUS_ZOMBIE)


def noted(process: psutil.Process) -> tuple[int, float]:
    """What a note names a process by: its id, which is given anew one day, and its birth."""
    return process.pid, process.create_time()


def find_noted(pid: int, created: float) -> psutil.Process | None:
    """The process that a note names; None if it does not run any more."""
    try:
        process = psutil.Process(pid)
        return process if process.create_time() == created and lives(process) else None
    except psutil.Error:
        return None


def _ask(question: Callable[[], Any]) -> Any:
    """What a process says of itself; None if it has gone, or is not ours to ask."""
    try:
        return question()
    except (psutil.Error, OSError):
        return None
