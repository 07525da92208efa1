"""Work that must not disturb others: on a thread of the idle class (SCHED_IDLE).

The thread that waits for it never leaves the usual class: a process can't raise itself again, since
by Linux' rules nice and policy only fall without CAP_SYS_NICE, or a limit RLIMIT_NICE that nobody
has by default. Disk I/O of a SCHED_IDLE thread is of the idle class, too (Linux,
include/linux/ioprio.h: task_nice_ioclass). This module imports nothing but Python's own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

# A thread is starved that waits for a core for so much of such a time.
_PATIENCE_S, _STARVED_S = 1.0, 0.8
T = TypeVar("T")


def quietly(work: Callable[[], T], when_starved: Callable[[], None]) -> T:
    """Do something on a thread of the idle class, and wait for it.

    Args:
        work: What to do.
        when_starved: Is called where the machine is so busy that the thread hardly runs.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="quiet")
    thread.start()
    thread.join(_PATIENCE_S)
    before_s = 0.0
    while thread.is_alive():
        waited_s = _waited_s(thread.native_id or 0)
        if waited_s - before_s > _STARVED_S:
            when_starved()
        before_s = waited_s
        thread.join(_PATIENCE_S)
    if failed:
        raise failed[0]
    return done[0]


def _waited_s(thread: int) -> float:
    """Seconds that a thread waited for a core; nought where it has ended."""
    try:
        with open(f"/proc/self/task/{thread}/schedstat") as file:  # noqa: PTH123 - imports nothing
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0
