"""What a call may use of its process: threads and signals; and, of an item, time and memory."""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType

import psutil
import threadpoolctl

from tasks.core.errors import WorkerLostError

# A call inside a C library hears no alarm: after this much more the whole worker is ended.
_HARD_FACTOR, _HARD_EXTRA_S = 1.5, 5.0
_CV2_NO_MEMORY = -4
# On a CPU torch has no class for it; oneDNN below it hides the reason.
_TORCH_NO_MEMORY = ("DefaultCPUAllocator", "could not create a primitive", "std::bad_alloc")


@dataclass(frozen=True)
class Limits:
    """What one item may use.

    Attributes:
        seconds: Time; None for no limit. In another thread than the main one it holds only where
            the process may be ended.
        memory_gb: Memory that it may add to its process, beside gaps that earlier items left
            there; None for no limit.
        in_worker: Whether the process serves items only, and may be ended to stop one.
    """

    seconds: float | None = None
    memory_gb: float | None = None
    in_worker: bool = False


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Run one item within its limits.

    Raises:
        WorkerLostError: It passed its time or its memory.
    """
    with _time(limits), _memory(limits.memory_gb):
        try:
            yield
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            raise WorkerLostError(f"passed its memory limit of {limits.memory_gb} GB") from error


@contextmanager
def prepared(num_threads: int) -> Iterator[None]:
    """Run one call of an executor as every call is run.

    SIGTERM is given back to Python where glog, which pyceres loads, took it over.

    Args:
        num_threads: Threads of the numeric libraries.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and "pyceres" in sys.modules:
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM) or signal.SIG_DFL)
    os.environ.setdefault("OMP_NUM_THREADS", str(num_threads))
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", str(num_threads))  # where cv2 is loaded later
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(num_threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(num_threads)
    with _numeric_libraries(len(sys.modules)).limit(limits=num_threads):
        yield


@functools.lru_cache(maxsize=1)
def _numeric_libraries(_num_modules: int) -> threadpoolctl.ThreadpoolController:
    """What is loaded; looked for anew, which takes milliseconds, only after further imports."""
    return threadpoolctl.ThreadpoolController()


@contextmanager
def _time(limits: Limits) -> Iterator[None]:
    if limits.seconds is None:
        yield
        return
    # Only the main thread hears an alarm; Ray Train calls in another one.
    in_main = threading.current_thread() is threading.main_thread()
    if limits.in_worker:
        hard_s = limits.seconds * _HARD_FACTOR + _HARD_EXTRA_S if in_main else limits.seconds
        faulthandler.dump_traceback_later(hard_s, exit=True)
    try:
        with _alarm(limits.seconds) if in_main else nullcontext():
            yield
    finally:
        if limits.in_worker:
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def alarm(_number: int, _frame: FrameType | None) -> None:
        raise WorkerLostError(f"passed its time limit of {seconds:g} s")

    handler, timer = signal.signal(signal.SIGALRM, alarm), signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def _memory(limit_gb: float | None) -> Iterator[None]:
    if limit_gb is None:
        yield
        return
    # What earlier items freed and the C library kept would come on top of the limit.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    # private writable memory: shared arrays and mapped libraries do not count
    before = resource.getrlimit(resource.RLIMIT_DATA)
    used = psutil.Process().memory_info().data
    resource.setrlimit(resource.RLIMIT_DATA, (int(used + limit_gb * 1e9), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _is_out_of_memory(error: Exception) -> bool:
    named = type(error).__name__ == "OutOfMemoryError" or any(
        words in str(error) for words in _TORCH_NO_MEMORY
    )
    return isinstance(error, MemoryError) or named or getattr(error, "code", 0) == _CV2_NO_MEMORY
