"""The program of a worker: it opens one bundle, and answers one batch after the other.

    python -m operators.serving.workers.process <socket> <in> <out> <parent>

The three numbers are descriptors that it inherits; the last is the process that started it, with
which it ends. It is started anew and not forked: the ingress has threads, and memory of its own.

What happens before it answers must not disturb others, so it happens quietly, even the imports:
this module has none but Python's own. On a machine without an idle core that would never end; then
the process becomes itself anew, and loads in the usual class.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from operators.processes.quiet import quietly

_PR_SET_PDEATHSIG = 1
_RUNTIME = ("onnx", "onnxruntime", "safetensors.numpy", "operators.serving.workers.answering")
_URGENT = "urgent"
T = TypeVar("T")


def main(arguments: Sequence[str]) -> None:
    """Live until the ingress has gone."""
    *descriptors, parent = map(int, arguments[:4])
    _end_with(parent)
    *_, answering = load_by(lambda: [importlib.import_module(each) for each in _RUNTIME])
    answering.work(descriptors)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # letting go of its memory is work
    os._exit(0)  # no library's farewell takes time or fails


def load_by(work: Callable[[], T]) -> T:
    """Do something quietly, or at once where the process has become itself anew."""
    return work() if _URGENT in sys.argv else quietly(work, _again)


def _again() -> None:
    command = [sys.executable, "-m", "operators.serving.workers.process", *sys.argv[1:]]
    os.execv(sys.executable, [*command, _URGENT])  # noqa: S606 - itself


def _end_with(parent: int) -> None:
    """End when the parent does, even while a network computes; not by what it is told itself."""
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends the ingress ends its group
        signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
