"""What a worker does in its own process, looked at from within."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from operators.serving.workers.process import quietly

UNPRIVILEGED = """
import os, sys
from operators.serving.workers.process import quietly

if os.getuid() == 0:
    os.setuid(65534)
assert quietly(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
assert os.sched_getscheduler(0) == os.SCHED_OTHER
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
try:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
except PermissionError:
    print("for good")
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_quiet_work_gives_what_it_gives_and_raises_what_it_raises():
    assert quietly(lambda: 7) == 7
    with pytest.raises(KeyError, match="gone"):
        quietly(lambda: {}["gone"])
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_process_without_privilege_can_t_leave_the_idle_class_hence_the_thread():
    assert printed(UNPRIVILEGED) == "for good"
