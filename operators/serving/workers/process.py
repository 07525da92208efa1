"""The program of a worker: it opens one bundle, and answers one batch after the other.

    python -m operators.serving.workers.process <socket> <in> <out> <parent>

The three numbers are descriptors that it inherits; the last is the process that started it, with
which it ends. It is started anew and not forked: the ingress has threads, and memory of its own.

What happens before it answers must not disturb others, so it happens on a thread of the idle class
(SCHED_IDLE), even the imports: this module has none but Python's own. The main thread, which
answers, never leaves the usual class: a process can't raise itself again, since by Linux' rules
nice and policy only fall without CAP_SYS_NICE, or a limit RLIMIT_NICE that nobody has by default.
Disk I/O of a SCHED_IDLE thread is of the idle class, too (Linux, include/linux/ioprio.h:
task_nice_ioclass).
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
T = TypeVar("T")


def main(arguments: Sequence[str]) -> None:
    """Live until the ingress has gone."""
    *descriptors, parent = map(int, arguments)
    _end_with(parent)
    *_, answering = quietly(lambda: [importlib.import_module(each) for each in _RUNTIME])
    answering.work(descriptors)
    os._exit(0)  # no library's farewell takes time or fails


def quietly(work: Callable[[], T]) -> T:
    """Do something on a thread of the idle class, and wait for it."""
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="loading")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _end_with(parent: int) -> None:
    """End when the parent does, even while a network computes; not by what it is told itself."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends the ingress ends its group
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
