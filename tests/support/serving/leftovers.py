"""What a test of serving could leave in this process: workers and servers, and descriptors.

Where the session's Ray lives in the process, its own come and go: then only those count that bear
serving's names.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

_PATIENCE_S = 20.0
_PROGRAM = "operators.serving"
_MEMORY = "/memfd:orrery-serving"


def processes(program: str = _PROGRAM) -> set[int]:
    """Processes below this one that run a program of serving, and live."""
    found = set()
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word.startswith(program) for word in each.cmdline()):
                found.add(each.pid)
    return found


def leftovers() -> Callable[[], list[str]]:
    """Look what there is; what this returns tells, after a while, what there is more of by then."""
    before, num_before = _processes(), _num_descriptors()

    def look() -> list[str]:
        more = _num_descriptors() - num_before
        found = [f"process {each}" for each in sorted(_processes() - before)]
        return found + [f"{more} descriptors more"] * (more > 0)

    def wait() -> list[str]:
        end_s = time.monotonic() + _PATIENCE_S
        while look() and time.monotonic() < end_s:
            gc.collect()
            time.sleep(0.02)
        return look()

    return wait


def _processes() -> set[int]:
    if "ray" in sys.modules:
        return processes()
    return {each.pid for each in psutil.Process().children(recursive=True)}


def _num_descriptors() -> int:
    there = list(Path("/proc/self/fd").iterdir())
    if "ray" not in sys.modules:
        return len(there)
    return sum(_target(each).startswith(_MEMORY) for each in there)


def _target(descriptor: Path) -> str:
    with contextlib.suppress(OSError):  # it was closed meanwhile
        return str(descriptor.readlink())
    return ""
