"""The budget of the tests: who overspends fails by name, on one process and on two."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.budget import (
    MARGIN,
    NUM_CALIBRATIONS,
    REFERENCE_S,
    SYSTEM_S,
    Slowness,
    Spending,
    folder_of,
    overspent,
)

ROOT = Path(__file__).resolve().parent.parent
CONFTEST = """
from tests.support import budget
pytest_plugins = ["tests.support.budget"]
budget.SYSTEM_S = {limit}
budget.MAX_SLOWNESS = 1e9
"""
BURN = """
import subprocess, sys, time
import pytest

def test_burns_in_a_child():
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)

def test_waits():
    time.sleep(0.5)

@pytest.mark.slow
def test_is_not_counted():
    end_s = time.process_time() + 1.0
    while time.process_time() < end_s:
        pass
"""


def run(folder: Path, limit_s: float, *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a system that burns CPU, with a budget of its own."""
    for name in ("toys", "others"):
        (folder / "tests" / name).mkdir(parents=True)
    (folder / "conftest.py").write_text(CONFTEST.format(limit=limit_s))
    (folder / "tests/toys/test_burn.py").write_text(BURN)
    (folder / "tests/others/test_idle.py").write_text("def test_idles():\n    pass\n")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow\n")
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={folder}", *options, str(folder)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [("-p", "no:xdist"), ("-n", "2")], ids=["one", "two"])
def test_a_system_that_overspends_fails_by_name(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, 0.05, *options)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "FAILED tests/toys took" in done.stdout
    assert "tests/others took" not in done.stdout
    assert "4 passed" in done.stdout


@pytest.mark.parametrize(("slowness", "status"), [(1.0, 1), (2.0, 0)])
def test_nobody_fails_where_the_machine_is_too_slow_to_tell(slowness: float, status: int) -> None:
    spending = Spending(SimpleNamespace())  # type: ignore[arg-type]
    told = [("cpu_s", 2 * SYSTEM_S), ("slowness", slowness)]
    report = SimpleNamespace(
        nodeid="tests/toys/test_a.py::test_a", duration=1.0, when="teardown", user_properties=told
    )
    spending.pytest_runtest_logreport(report)  # type: ignore[arg-type]
    session, lines = SimpleNamespace(exitstatus=pytest.ExitCode.OK), list[str]()
    spending.pytest_sessionfinish(session)  # type: ignore[arg-type]
    spending.pytest_terminal_summary(
        SimpleNamespace(section=lines.append, write_line=lambda line, **_: lines.append(line))
    )
    assert session.exitstatus == status
    assert any(line.startswith("FAILED tests/toys took") for line in lines) == (status == 1)
    assert any(line.startswith("not judged: this machine was 2.0") for line in lines) != status


def test_waiting_and_slow_tests_cost_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, 3.0, "-p", "no:xdist")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("toys "))
    assert 0.1 < float(line.split()[1]) < 3.0
    assert "orrery" in {path.name for path in (tmp_path / ".pytest_cache/v").iterdir()}


def test_the_margin_is_granted() -> None:
    assert overspent({"panorama": SYSTEM_S * MARGIN, "core": 0.0}) == []
    (said,) = overspent({"panorama": SYSTEM_S * MARGIN + 1, "core": 0.0})
    assert said.startswith("tests/panorama took")


def test_a_test_belongs_to_the_first_folder() -> None:
    assert folder_of("tests/nas/data/test_read.py::test_a[b/c]") == "nas"
    assert folder_of("tests/test_budget.py::test_a") == "house"


def test_a_slow_machine_gets_more_a_fast_one_not_less(monkeypatch: pytest.MonkeyPatch) -> None:
    for work_s, factor in ((2 * REFERENCE_S, 2.0), (0.001, 1.0)):
        monkeypatch.setattr("tests.support.budget._work", lambda work_s=work_s: work_s)
        assert Slowness().factor() == factor


def test_a_machine_that_is_stopped_now_and_then_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    works_s = itertools.cycle([REFERENCE_S, REFERENCE_S, 4 * REFERENCE_S])
    monkeypatch.setattr("tests.support.budget._work", lambda: next(works_s))
    monkeypatch.setattr("tests.support.budget.CALIBRATE_EVERY_S", -1.0)
    slowness = Slowness()
    factors = [slowness.factor() for _ in range(NUM_CALIBRATIONS)]
    assert factors[-1] == pytest.approx(2.0)
