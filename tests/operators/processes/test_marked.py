"""Starting servers and ending them with all that they started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.processes.marked import end, members, start, wait_until
from tasks.core.errors import TransientError

# A parent that goes at once; its child is re-parented, opens its own session and ignores TERM.
ORPHAN = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1], "w").close()
    time.sleep(60)
"""


@pytest.fixture
def mark() -> Iterator[str]:
    name = f"test-{uuid.uuid4()}"
    yield name
    end(name, patience_s=0.1)


def run(mark: str, folder: Path, code: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *arguments]
    return start(command, mark=mark, env=dict(os.environ), log=folder / "log", folder=folder)


def test_children_are_found_and_ended_wherever_they_went(mark: str, tmp_path: Path) -> None:
    parent = run(mark, tmp_path, ORPHAN, str(tmp_path / "ready"))
    assert parent.wait(10) == 0
    wait_until("orphan", (tmp_path / "ready").exists, 10.0, lambda: True)
    (orphan,) = members(mark)
    assert orphan.pid != parent.pid
    assert end(mark, patience_s=0.3) == 1
    assert members(mark) == []


def test_who_listens_to_term_is_not_killed(mark: str, tmp_path: Path) -> None:
    code = "import signal, sys, time\nprint('up', flush=True)\ntime.sleep(60)"
    server = run(mark, tmp_path, code)
    wait_until("server", lambda: "up" in (tmp_path / "log").read_text(), 10.0, lambda: True)
    assert end(mark) == 0
    assert server.wait(5) != 0


def test_a_session_counts_even_without_the_mark(tmp_path: Path) -> None:
    server = run("", tmp_path, "import time; time.sleep(60)")
    assert [process.pid for process in members("no such mark", [server.pid])] == [server.pid]
    end("no such mark", [server.pid])
    assert server.wait(5) != 0


def test_nothing_else_is_touched(mark: str) -> None:
    assert members(mark) == []
    assert end(mark) == 0


def test_waiting_ends_when_the_server_does_or_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("operators.processes.marked._POLL_S", 0.01)
    with pytest.raises(TransientError, match="Ray ended"):
        wait_until("Ray", lambda: False, 9.0, lambda: False)
    with pytest.raises(TransientError, match="Ray does not answer"):
        wait_until("Ray", lambda: False, 0.05, lambda: True)
    ready = time.monotonic() + 0.1
    assert wait_until("Ray", lambda: time.monotonic() > ready, 9.0, lambda: True) >= 0.1
