"""Limits of one item, and what is left as it was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import threadpoolctl

from operators.installation import ROOT
from operators.processes.limits import Limits, limited, prepared
from tasks.core.errors import WorkerLostError


def test_time_is_limited_and_timers_are_given_back() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    started_s = time.monotonic()
    with (
        pytest.raises(WorkerLostError, match=r"time limit of 0\.1 s"),
        limited(Limits(seconds=0.1)),
    ):
        time.sleep(200)
    assert time.monotonic() - started_s < 100
    assert signal.getsignal(signal.SIGALRM) == handler


def test_memory_is_limited_and_given_back() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    lost = pytest.raises(WorkerLostError, match=r"memory limit of 0\.1 GB")
    with lost, limited(Limits(memory_gb=0.1)):
        np.ones(300_000_000, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert np.ones(300_000_000, np.uint8)[-1] == 1


def test_memory_that_a_process_keeps_is_no_allowance() -> None:
    code = (
        "import ctypes, numpy as np\n"
        "from operators.processes.limits import Limits, limited\n"
        "library, trim, map_from = ctypes.CDLL(None), -1, -3\n"
        "assert library.mallopt(trim, 2**30) and library.mallopt(map_from, 2**25)\n"
        "del [np.ones(2**24, np.uint8) for _ in range(40)][:]\n"
        "with limited(Limits(memory_gb=0.1)):\n"
        "    np.ones(300_000_000, np.uint8)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "WorkerLostError: passed its memory limit of 0.1 GB" in ended.stderr


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), limited(Limits(seconds=5, memory_gb=1)):
        raise KeyError("x")


def test_threads_are_limited() -> None:
    with prepared(1):
        assert {each["num_threads"] for each in threadpoolctl.threadpool_info()} == {1}


def test_threads_of_what_a_call_loaded_are_limited_in_the_next() -> None:
    code = (
        "import sys, threadpoolctl\n"
        "from operators.processes.limits import prepared\n"
        "with prepared(1):\n"
        "    assert 'numpy' not in sys.modules\n"
        "    import numpy\n"
        "with prepared(2):\n"
        "    assert {each['num_threads'] for each in threadpoolctl.threadpool_info()} == {2}\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_call_that_hears_no_alarm_ends_its_worker() -> None:
    code = (
        "import ctypes, signal, operators.processes.limits as l\n"
        "l._HARD_FACTOR, l._HARD_EXTRA_S = 1.0, 0.2\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "with l.limited(l.Limits(seconds=0.1, in_worker=True)):\n"
        "    ctypes.PyDLL(None).sleep(200)\n"  # holds the interpreter: no Python code can run
    )
    started_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True)
    assert done.returncode != os.EX_OK
    assert b"Timeout" in done.stderr
    assert time.monotonic() - started_s < 100


def test_stop_signal_is_taken_back_from_glog() -> None:
    code = (
        "import pyceres, os, operators.processes.limits as l\n"
        "with l.prepared(1):\n os.kill(os.getpid(), 15)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == b"", "glog prints a stack trace"


@pytest.mark.parametrize(("in_worker", "code", "says"), [(True, 1, ""), (False, 0, "slept")])
def test_in_another_thread_the_time_ends_a_worker(in_worker: bool, code: int, says: str) -> None:
    probe = (
        "import threading, time\n"
        "from operators.processes.limits import Limits, limited\n"
        "def sleep():\n"
        f"    with limited(Limits(seconds=0.5, in_worker={in_worker})):\n"
        "        time.sleep(1.0)\n"
        "        print('slept')\n"
        "thread = threading.Thread(target=sleep)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    command = [sys.executable, "-c", probe]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout.strip()) == (code, says)
