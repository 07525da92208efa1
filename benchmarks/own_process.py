"""Runs what is measured in a process of its own, which stays warm between the measurements.

Methods that are compared can't warm, slow or break each other then, and their CPU seconds are
told apart: user and system seconds of all threads, and of all child processes that have ended.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

import psutil

T = TypeVar("T")
P = ParamSpec("P")

# One thread each: a library that starts more would make wall and CPU seconds incomparable.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Timed(Generic[T]):
    """What a call returned and took.

    Attributes:
        value: What it returned.
        cpu_s: User and system seconds of the process while it ran.
        wall_s: Seconds that passed.
    """

    value: T
    cpu_s: float
    wall_s: float


class OwnProcess:
    """A process that runs module-level functions, one after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_start)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(
        self, function: Callable[P, T], *args: P.args, **named: P.kwargs
    ) -> Future[Timed[T]]:
        """Start a call; the future gives its value and what it took."""
        return self._pool.submit(_timed, function, args, named)

    def call(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> Timed[T]:
        """Call and wait; an exception of the function is raised here."""
        return self.submit(function, *args, **named).result()


def _start() -> None:
    os.environ.update(_ONE_THREAD)


def cpu_seconds() -> float:
    """User and system seconds of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def cpu_seconds_below() -> float:
    """User and system seconds of this process and of all that live below it."""
    me = psutil.Process()
    total_s = 0.0
    for process in [me, *me.children(recursive=True)]:
        try:
            spent = process.cpu_times()
        except psutil.Error:
            continue
        total_s += spent.user + spent.system
    return total_s


def _timed(function: Callable[..., T], args: tuple[Any, ...], named: dict[str, Any]) -> Timed[T]:
    begun_cpu_s, begun_s = cpu_seconds(), time.perf_counter()
    value = function(*args, **named)
    return Timed(value, cpu_seconds() - begun_cpu_s, time.perf_counter() - begun_s)
