"""Quiet work ends as any other does, and tells where nothing is left for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from operators.processes.quiet import quietly

UNPRIVILEGED = """
import os, sys
from operators.processes.quiet import quietly

if os.getuid() == 0:
    os.setuid(65534)
assert quietly(lambda: os.sched_getscheduler(0), lambda: None) == os.SCHED_IDLE
assert os.sched_getscheduler(0) == os.SCHED_OTHER
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
try:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
except PermissionError:
    print("for good")
"""


STARVED = """
import os, sys, time
from operators.processes import quiet

os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
busy = os.fork() or os.execv(sys.executable, [sys.executable, "-c", "while True: pass"])
calls = []

def work():
    while time.thread_time() < 0.5 and not calls:
        pass
    return "done"

try:
    quiet.quietly(work, lambda: calls.append(1))
finally:
    os.kill(busy, 9)
    os.waitpid(busy, 0)
print(len(calls) > 0)
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def unlikely() -> None:
    """What happens where the machine is busy has a test of its own."""


def test_quiet_work_gives_what_it_gives_and_raises_what_it_raises():
    assert quietly(lambda: 7, unlikely) == 7
    with pytest.raises(KeyError, match="gone"):
        quietly(lambda: {}["gone"], unlikely)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_process_without_privilege_can_t_leave_the_idle_class_hence_the_thread():
    assert printed(UNPRIVILEGED) == "for good"


def test_where_no_core_is_idle_it_is_told():
    assert printed(STARVED) == "True"


def test_what_waits_for_a_disk_is_not_starved():
    calls: list[int] = []
    quietly(lambda: time.sleep(1.2), lambda: calls.append(1))
    assert calls == []
