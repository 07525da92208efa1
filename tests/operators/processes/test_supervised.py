"""Servers under a supervisor: started again when they die, and gone when they are ended."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import sys
import time
from pathlib import Path

import psutil
import pytest

from operators.processes import marked
from operators.processes.ports import free_ports
from operators.processes.supervised import Program, Servers, end_noted, restarts, supervisor_config
from tasks.core.errors import TransientError

# Writes a new file each time it is started, then waits.
SERVER = (
    "import os, pathlib, sys, time; "
    "pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(60)"
)

# As MLflow does: a parent that only waits for its child, which holds the port.
PARENT = """
import socket, subprocess, sys, time
if len(sys.argv) == 2:
    subprocess.call([sys.executable, *sys.argv, "child"])
else:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", int(sys.argv[1])))
        held.listen()
        time.sleep(60)
"""


def program(folder: Path, name: str) -> list[str]:
    (folder / name).mkdir()
    return [sys.executable, "-c", SERVER, str(folder / name)]


def pids(folder: Path) -> set[int]:
    return {int(each.name) for each in folder.iterdir()}


def start(tmp_path: Path, programs: dict[str, Program], said: list[str]) -> tuple[str, Servers]:
    mark = f"servers-{os.getpid()}-{time.monotonic_ns()}"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    servers = Servers(
        programs, mark=mark, env=env, logs=tmp_path / "logs", sockets=tmp_path, say=said.append
    )
    return mark, servers


def test_a_server_that_is_killed_comes_back_and_none_is_left(tmp_path: Path) -> None:
    said: list[str] = []
    one, two = program(tmp_path, "one"), program(tmp_path, "two")
    programs = {"one": Program(one, stop_signal="KILL"), "two": Program(two, starts_at_once=False)}
    mark, servers = start(tmp_path, programs, said)
    try:
        servers.wait("One", lambda: bool(pids(tmp_path / "one")), 30.0)
        assert not pids(tmp_path / "two")
        servers.start_rest()
        servers.wait("Two", lambda: bool(pids(tmp_path / "two")), 30.0)
        os.kill(*pids(tmp_path / "one"), 9)
        servers.wait("One", lambda: len(pids(tmp_path / "one")) == 2, 30.0)
    finally:
        servers.end(20.0)
    assert marked.members(mark) == []
    assert [line.split(" is up")[0] for line in said if "is up" in line] == ["One", "Two", "One"]


def test_a_killed_parent_leaves_no_child_that_keeps_its_port(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), str(port)]
    mark, servers = start(tmp_path, {"one": Program(command)}, [])

    def holder() -> int:
        listening = psutil.net_connections("tcp")
        return next((c.pid for c in listening if c.laddr.port == port and c.pid), 0)

    try:
        servers.wait("One", lambda: bool(holder()), 30.0)
        orphan = psutil.Process(holder())
        orphan.parent().kill()
        servers.wait("One", lambda: holder() not in (0, orphan.pid), 30.0)
        assert len(marked.members(f"{mark}/one")) == 2
        (told,) = restarts(tmp_path / "logs")
        assert re.fullmatch(r"one was restarted once since .*, last at .* \(.* SIGKILL\)", told)
    finally:
        servers.end(20.0)
    assert marked.members(mark) == []
    assert f"left: [{orphan.pid}]" in (tmp_path / "logs" / "one.log").read_text()


def test_restarts_are_counted_since_the_last_start_of_the_supervisor(tmp_path: Path) -> None:
    assert restarts(tmp_path) == []
    line = "2026-01-02 03:04:{:02d},5 INFO {}\n"
    spawned = ("spawned: 'ray' with pid 7", "exited: ray (exit status 1; not expected)")
    told = ["supervisord started with pid 1", *spawned, *spawned]
    told += ["supervisord started with pid 2", "spawned: 'mlflow' with pid 8", spawned[0]]
    log = tmp_path / "supervisord.log"
    log.write_text("".join(line.format(k, each) for k, each in enumerate(told)) + "cut sh")
    assert restarts(tmp_path) == ["no server was restarted since 2026-01-02 03:04:05 UTC"]
    with log.open("a") as more:
        for k, each in enumerate([spawned[1], *spawned, spawned[0]], start=10):
            more.write("\n" + line.format(k, each))
    assert restarts(tmp_path) == [
        "ray was restarted twice since 2026-01-02 03:04:05 UTC, last at 2026-01-02 03:04:13 "
        "(exit status 1)"
    ]


def test_servers_are_ended_by_their_note_and_a_lost_one_names_its_log(tmp_path: Path) -> None:
    mark, servers = start(tmp_path, {"one": Program(program(tmp_path, "one"))}, [])
    servers.wait("One", lambda: bool(pids(tmp_path / "one")), 30.0)
    assert end_noted(mark, tmp_path, 20.0, 3.0) == 0
    assert marked.members(mark) == []
    with pytest.raises(TransientError, match=r"One ended .* its log is in .*logs"):
        servers.wait("One", lambda: False, 30.0)


def test_the_supervisor_reads_its_configuration(tmp_path: Path) -> None:
    command = ["python", "-c", "print('100 %', \"it's\")"]
    programs = {"ray": Program(command, stop_signal="KILL"), "rest": Program(["true"], False)}
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_config(programs, "mark", tmp_path / "logs", tmp_path))
    ray, rest = parser["program:ray"], parser["program:rest"]
    alone = [sys.executable, "-m", "operators.processes.alone"]
    assert shlex.split(ray["command"].replace("%%", "%")) == alone + command
    assert ray["environment"] == 'ORRERY_STACK="mark/ray"'
    assert (ray["stopsignal"], rest["stopsignal"]) == ("KILL", "TERM")
    assert (ray["autostart"], rest["autostart"]) == ("true", "false")
    assert ray["killasgroup"] == ray["autorestart"] == "true"
