"""Servers under a supervisor: started again when they die, and gone when they are ended."""

from __future__ import annotations

import configparser
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from operators.stack import processes
from operators.stack.servers import Program, Servers, end_noted, supervisor_config
from tasks.core.errors import TransientError

# Writes a new file each time it is started, then waits.
SERVER = (
    "import os, pathlib, sys, time; "
    "pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(60)"
)


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
    assert processes.members(mark) == []
    assert [line.split(" is up")[0] for line in said if "is up" in line] == ["One", "Two", "One"]


def test_servers_are_ended_by_their_note_and_a_lost_one_names_its_log(tmp_path: Path) -> None:
    mark, servers = start(tmp_path, {"one": Program(program(tmp_path, "one"))}, [])
    servers.wait("One", lambda: bool(pids(tmp_path / "one")), 30.0)
    assert end_noted(mark, tmp_path, 20.0, 3.0) == 0
    assert processes.members(mark) == []
    with pytest.raises(TransientError, match=r"One ended .* its log is in .*logs"):
        servers.wait("One", lambda: False, 30.0)


def test_the_supervisor_reads_its_configuration(tmp_path: Path) -> None:
    command = ["python", "-c", "print('100 %', \"it's\")"]
    programs = {"ray": Program(command, stop_signal="KILL"), "rest": Program(["true"], False)}
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_config(programs, tmp_path / "logs", tmp_path))
    ray, rest = parser["program:ray"], parser["program:rest"]
    assert shlex.split(ray["command"].replace("%%", "%")) == command
    assert (ray["stopsignal"], rest["stopsignal"]) == ("KILL", "TERM")
    assert (ray["autostart"], rest["autostart"]) == ("true", "false")
    assert ray["killasgroup"] == ray["autorestart"] == "true"
