"""What the tests of each folder cost, said at the end of a run; who overspends fails by name.

CPU seconds of a test are those of its process, and of the children that it waited for before its
teardown: not the servers', and no waiting for a core or a disk. The same work takes more of them
on a slower or a busier machine, so they are divided by how much longer a fixed piece of work
takes there at that time than on a quiet core of the reference (never by less than 1), and only
MARGIN times a budget fails a run. Tests marked as slow are not counted.

The seconds also go to pytest's cache: .pytest_cache/v/orrery/seconds.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Generator, Mapping
from typing import Any

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
# Time of `_work` on a quiet core of the machine with which the budgets were set.
REFERENCE_S = 0.015
CALIBRATE_EVERY_S = 20.0

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
        self._factor, self._measured_s = 1.0, float("-inf")

    def factor(self) -> float:
        """At least 1; measured anew from time to time."""
        if time.monotonic() - self._measured_s > CALIBRATE_EVERY_S:
            self._factor = max(1.0, sorted(_work() for _ in range(3))[1] / REFERENCE_S)
            self._measured_s = time.monotonic()
        return self._factor


class Spending:
    """The plugin of one process: measures its tests; gathers everybody's where reports arrive."""

    def __init__(self, config: pytest.Config) -> None:
        """Begin with nothing spent."""
        self._config = config
        self._slowness = Slowness()
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
            report.user_properties.append(("cpu_s", spent_s / self._slowness.factor()))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        folder = folder_of(report.nodeid)
        self.wall_s[folder] += report.duration
        if report.when == "teardown":
            self.cpu_s[folder] += sum(v for name, v in report.user_properties if name == "cpu_s")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput"):
            return
        if getattr(self._config, "cache", None) is not None:
            self._config.cache.set("orrery/seconds", dict(self.cpu_s))
        if overspent(self.cpu_s) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("CPU seconds, their budget, and seconds on the clock")
        for folder, spent in sorted(self.cpu_s.items(), key=lambda each: -each[1]):
            line = f"{folder:12}{spent:7.1f}{budget(folder):7.0f}{self.wall_s[folder]:7.0f}"
            terminalreporter.write_line(line)
        for said in overspent(self.cpu_s):
            terminalreporter.write_line(f"FAILED {said}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Spending(config), "orrery-spending")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _work() -> float:
    """CPU seconds of a fixed piece of work, as most tests do it: plain Python."""
    begun_s = time.process_time()
    seen: dict[int, int] = {}
    for number in range(200_000):
        seen[number % 1000] = seen.get(number % 997, 0) + number
    return time.process_time() - begun_s
