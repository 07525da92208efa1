"""The program of a worker: it opens one bundle, and answers one batch after the other.

    python -m operators.serving.workers.process <socket> <in> <out> <parent>

The three numbers are descriptors that it inherits; the last is the process that started it, with
which it ends. It is started anew and not forked: the ingress has threads, and memory of its own.

What happens before it answers must not disturb others, so it happens on a thread of the idle class
(SCHED_IDLE), even the imports: this module has none but Python's own. The main thread, which
answers, never leaves the usual class: a process can't raise itself again, since by Linux' rules
nice and policy only fall without CAP_SYS_NICE, or a limit RLIMIT_NICE that nobody has by default.
Disk I/O of a SCHED_IDLE thread is of the idle class, too (Linux, include/linux/ioprio.h:
task_nice_ioclass). On a machine without an idle core the thread would hardly run; then the process
becomes itself anew, and loads in the usual class.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

_PR_SET_PDEATHSIG = 1
_RUNTIME = ("onnx", "onnxruntime", "safetensors.numpy", "operators.serving.workers.answering")
# A thread is starved that waits for a core for so much of such a time.
_PATIENCE_S, _STARVED_S = 1.0, 0.8
_URGENT = "urgent"
T = TypeVar("T")


def main(arguments: Sequence[str]) -> None:
    """Live until the ingress has gone."""
    *descriptors, parent = map(int, arguments[:4])
    _end_with(parent)
    *_, answering = quietly(lambda: [importlib.import_module(each) for each in _RUNTIME], again)
    answering.work(descriptors)
    os._exit(0)  # no library's farewell takes time or fails


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
            if _URGENT not in sys.argv:
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="loading")
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


def again() -> None:
    """Become this program anew, which then loads in the usual class: else it would never answer."""
    if _URGENT not in sys.argv:
        command = [sys.executable, "-m", "operators.serving.workers.process", *sys.argv[1:]]
        os.execv(sys.executable, [*command, _URGENT])  # noqa: S606 - itself


def _waited_s(thread: int) -> float:
    """Seconds that a thread waited for a core; nought where it has ended."""
    try:
        with open(f"/proc/self/task/{thread}/schedstat") as file:  # noqa: PTH123 - imports nothing
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def _end_with(parent: int) -> None:
    """End when the parent does, even while a network computes; not by what it is told itself."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends the ingress ends its group
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
