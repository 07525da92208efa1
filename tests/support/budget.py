"""What the tests of each folder cost, said at the end of a run; who overspends fails by name.

CPU seconds of a test are those of its process, and of the children that it waited for before its
teardown: not the servers', and no waiting for a core or a disk. The same work takes more of them
on a slower or a busier machine, so they are divided by how much longer a fixed piece of work
takes there, on average of the last half a minute, than on a quiet core of the reference (never
by less than 1): a host that stops a virtual machine again and again does so inside of few of
these pieces, but of every long test. Only MARGIN times a budget fails a run. Tests marked as slow
are not counted.

The seconds also go to pytest's cache: .pytest_cache/v/orrery/seconds.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict, deque
from collections.abc import Generator, Mapping
from statistics import fmean
from typing import Any

import numpy as np
import pytest

# CPU seconds of a quiet core, by folder of tests/; a system has SYSTEM_S.
SYSTEM_S = 90.0
BUDGETS_S = {
    "operators": 165.0,  # the kernel and the server of models (45), with calls of real servers
    "integration": 120.0,  # the sample pipeline, and a small run of every other one
    "benchmarks": 30.0,
    "bundle": 25.0,
    "dags": 30.0,
    "core": 15.0,
    "house": 15.0,  # what stands in tests/ itself
}
MARGIN = 1.25
MAX_SLOWNESS = 1.2
# Time of `_work` on a quiet core of the machine with which the budgets were set.
REFERENCE_S = 0.022
CALIBRATE_EVERY_S = 2.0
NUM_CALIBRATIONS = 15

_own = pytest.StashKey[float]()
_children = pytest.StashKey[float]()


def overspent(seconds: Mapping[str, float]) -> list[str]:
    """Say of each folder that spent more than its budget, the margin included, what it spent."""
    return [
        f"tests/{folder} took {spent:.0f} CPU seconds, more than {budget(folder):.0f}: "
        "make its tests shorter (pytest --durations=20 says which are long)"
        for folder, spent in sorted(seconds.items())
        if spent > MARGIN * budget(folder)
    ]


def budget(folder: str) -> float:
    """CPU seconds that a folder of tests may take."""
    return BUDGETS_S.get(folder, SYSTEM_S)


def folder_of(nodeid: str) -> str:
    """The folder of tests/ that a test belongs to."""
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if len(parts) > 2 else "house"


class Slowness:
    """How much longer this process takes for its work now than the reference did."""

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self._works_s: deque[float] = deque(maxlen=NUM_CALIBRATIONS)
        self._measured_s = float("-inf")

    def factor(self) -> float:
        """At least 1; measured anew from time to time."""
        if time.monotonic() - self._measured_s > CALIBRATE_EVERY_S:
            self._works_s.append(_work())
            self._measured_s = time.monotonic()
        return max(1.0, fmean(self._works_s) / REFERENCE_S)


class Spending:
    """The plugin of one process: measures its tests; gathers everybody's where reports arrive."""

    def __init__(self, config: pytest.Config) -> None:
        """Begin with nothing spent."""
        self._config = config
        self._slowness = Slowness()
        self._slow: list[float] = []
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.wall_s: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        item.stash[_own] = time.process_time()
        item.stash[_children] = -_children_s()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if _own not in item.stash or item.get_closest_marker("slow") is not None:
            return report
        if call.when == "call":
            item.stash[_children] += _children_s()
        if call.when == "teardown":
            spent_s = time.process_time() - item.stash[_own] + max(0.0, item.stash[_children])
            slowness = self._slowness.factor()
            report.user_properties += [("cpu_s", spent_s / slowness), ("slowness", slowness)]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = folder_of(report.nodeid)
        self.wall_s[folder] += report.duration
        if report.when == "teardown":
            told = dict(report.user_properties)
            self.cpu_s[folder] += told.get("cpu_s", 0.0)
            self._slow += [told["slowness"]] if "slowness" in told else []

    def is_judged(self) -> bool:
        """Whether this machine was quick enough to tell who overspends."""
        return not self._slow or fmean(self._slow) <= MAX_SLOWNESS

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput"):
            return
        if getattr(self._config, "cache", None) is not None:
            self._config.cache.set("orrery/seconds", dict(self.cpu_s))
        is_over = overspent(self.cpu_s) and self.is_judged()
        if is_over and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("CPU seconds, their budget, and seconds on the clock")
        for folder, spent in sorted(self.cpu_s.items(), key=lambda each: -each[1]):
            line = f"{folder:12}{spent:7.1f}{budget(folder):7.0f}{self.wall_s[folder]:7.0f}"
            terminalreporter.write_line(line)
        if overspent(self.cpu_s) and not self.is_judged():
            terminalreporter.write_line(
                f"not judged: this machine was {fmean(self._slow):.1f} times slower than usual"
            )
        for said in overspent(self.cpu_s):
            is_judged = self.is_judged()
            told = f"FAILED {said}" if is_judged else said
            terminalreporter.write_line(told, red=is_judged)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Spending(config), "orrery-spending")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _work() -> float:
    """CPU seconds of a fixed piece of work, as most tests do it: plain Python, and arrays."""
    begun_s = time.thread_time()
    seen: dict[int, int] = {}
    for number in range(200_000):
        seen[number % 1000] = seen.get(number % 997, 0) + number
    values = np.full((384, 384), 0.5, np.float32)
    for _ in range(10):
        values @ values
    return time.thread_time() - begun_s
