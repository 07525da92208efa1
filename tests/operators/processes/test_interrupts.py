"""Leaving in order: at any moment, whatever is swallowed, and once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from operators.installation import ROOT
from operators.processes.interrupts import ended_by_signals

HEAD = """
import os, signal, sys, time
from operators.processes.interrupts import ended_by_signals
"""
LOST = """
class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

with ended_by_signals() as begin_to_end:
    try:
        swallows = Swallows()
        del swallows  # what the handler raises is lost here
        print("goes on", flush=True)
        time.sleep(30)
    finally:
        begin_to_end()
        print("ends", flush=True)
"""
TWICE = """
with ended_by_signals() as begin_to_end:
    try:
        os.kill(os.getpid(), signal.SIG{name})
        time.sleep(30)
    finally:
        begin_to_end()
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        time.sleep(1.5)
        print("has ended", flush=True)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD + body],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_signal_that_a_destructor_swallows_is_heard_again() -> None:
    done = run(LOST)
    assert done.stdout.split("\n")[:2] == ["goes on", "ends"]
    assert done.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize(("name", "code"), [("TERM", 143), ("INT", -signal.SIGINT)])
def test_further_signals_do_not_disturb_the_ending(name: str, code: int) -> None:
    done = run(TWICE.format(name=name))
    assert done.stdout == "has ended\n"
    assert done.returncode in {code, 130}


def test_handlers_are_given_back() -> None:
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(each) for each in names]
    with ended_by_signals(), pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(each) for each in names] == before
    assert signal.alarm(0) == 0


def test_a_thread_leaves_signals_to_who_owns_them() -> None:
    def enter() -> None:
        with ended_by_signals() as begin_to_end:
            begin_to_end()

    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before
