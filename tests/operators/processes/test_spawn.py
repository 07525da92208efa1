"""A program inherits what it is given and nothing else, and no thread waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from operators.installation import ROOT
from operators.processes.spawn import spawn

TELL = """
import json, os, sys
names = {each: os.path.exists(f"/proc/self/fd/{each}") for each in map(int, sys.argv[2:])}
told = [names, dict(os.environ), sys.stdin.read(), os.getppid()]
os.write(int(sys.argv[1]), json.dumps(told).encode())
"""
# The child opens a pipe in place of /dev/null, and waits for this process before it is the program.
NOBODY_WAITS = """
import os, sys, threading
from operators.processes.spawn import spawn

os.devnull = sys.argv[1]
thread = threading.Thread(target=spawn, args=([sys.executable, "-c", ""], {}, []))
thread.start()
os.close(os.open(os.devnull, os.O_WRONLY))
thread.join()
os.wait()
"""


def test_a_program_inherits_what_it_is_given():
    (reading, writing), others = os.pipe(), os.pipe()
    env = {"A": "ä b", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-I", "-c", TELL, *map(str, (writing, reading, *others))]
    pid = spawn(command, env, [writing])
    os.close(writing)
    with os.fdopen(reading) as told, os.fdopen(others[0]), os.fdopen(others[1], "w"):
        open_there, env_there, read, parent = json.load(told)
    assert os.waitpid(pid, 0) == (pid, 0)
    assert not any(open_there.values())
    assert {key: env_there.get(key) for key in env} == env
    assert (read, parent) == ("", os.getpid())


def test_what_can_t_be_started_says_why():
    with pytest.raises(FileNotFoundError, match="No such file"):
        spawn(["/no/program"], {}, [])


def test_no_thread_waits_until_a_child_is_the_program(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", NOBODY_WAITS, str(pipe)]
    subprocess.run(command, cwd=ROOT, timeout=30, check=True)
