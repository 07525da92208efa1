"""Servers that a headless run leaves for later ones: shared while used, gone when nobody comes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from operators.headless import folders
from operators.headless import servers as kept
from operators.processes import marked
from operators.processes.ports import Ports
from tasks.core.errors import TransientError

PORTS = Ports(airflow=1, mlflow=2, ray=3, ray_inner=(4, 5))


class FakeServers:
    """Servers that are up at once."""

    events: list[str]

    def __init__(self, *given: Any) -> None:
        self.events.append("start")

    def wait(self) -> None:
        self.events.append("up")

    def end(self) -> None:
        self.events.append("end")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (kept, folders):
        monkeypatch.setattr(module, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(kept, "MARK", f"kept-test-{tmp_path.name}")
    monkeypatch.setattr(kept, "RunServers", FakeServers)
    monkeypatch.setattr(kept, "_POLL_S", 0.02)
    # pytest's own differs between a fixture and its test.
    monkeypatch.setattr(kept, "_PASSING", kept._PASSING | {"PYTEST_CURRENT_TEST"})
    monkeypatch.setattr(FakeServers, "events", [], raising=False)
    return tmp_path / "kept"


@pytest.fixture
def keeper(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is noted as the keeper."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        folder.mkdir(exist_ok=True)
        known = [*marked.noted(psutil.Process(process.pid)), asdict(PORTS), kept.environment()]
        (folder / "keeper.json").write_text(json.dumps(known))
        yield process
        process.kill()


def keep(kept_s: float) -> threading.Thread:
    keeping = threading.Thread(target=kept.keep, args=(PORTS, kept_s))
    keeping.start()
    return keeping


def test_nothing_is_borrowed_where_nothing_is_kept(folder: Path) -> None:
    assert kept.borrow(lambda _: None, starts=False) is None
    assert not folder.exists()


def test_two_runs_share_what_is_kept_and_it_ends_after_the_last(
    keeper: subprocess.Popen[bytes], folder: Path
) -> None:
    said: list[str] = []
    runs = [kept.borrow(said.append, starts=starts) for starts in (False, True)]
    assert [run.ports for run in runs if run] == [PORTS, PORTS]
    assert all(PORTS.mlflow_url in line for line in said)
    keeping = keep(0.1)
    for run in runs:
        time.sleep(0.3)  # three times as long as unused servers stay
        assert FakeServers.events == ["start", "up"]
        assert run is not None
        run.end()
    keeping.join(10.0)
    assert FakeServers.events == ["start", "up", "end"]
    assert not (folder / "keeper.json").exists()
    assert kept.borrow(said.append, starts=False) is None


@pytest.mark.usefixtures("keeper")
def test_servers_of_another_environment_are_not_borrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere")
    for starts in (False, True):
        assert kept.borrow(said.append, starts=starts) is None
    assert set(said) == {"the kept servers have another environment: this run starts its own"}
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("ORRERY_PROFILE", "ci")  # each run writes its own
    borrowed = kept.borrow(said.append, starts=False)
    assert borrowed is not None
    borrowed.end()


def test_a_run_that_is_killed_holds_nothing(keeper: subprocess.Popen[bytes], folder: Path) -> None:
    code = (
        "import fcntl, sys, time\nlock = open(sys.argv[1], 'w')\n"
        "fcntl.flock(lock, fcntl.LOCK_SH)\nprint('held', flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(folder / "users.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        keeping = keep(0.1)
        time.sleep(0.3)
        assert keeping.is_alive()
        run.kill()
    keeping.join(10.0)
    assert FakeServers.events[-1] == "end"


def test_a_keeper_that_was_killed_is_replaced(
    keeper: subprocess.Popen[bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.kill()
    keeper.wait()
    ray = folder.parent / "ray"
    ray.mkdir()
    (folder / "ray").symlink_to(ray)
    assert kept.borrow(lambda _: None, starts=False) is None
    monkeypatch.setattr(sys, "executable", "/bin/true")  # a keeper that ends at once
    borrowed = kept.borrow(lambda _: None, starts=True)
    assert borrowed is not None
    with pytest.raises(TransientError, match=r"MLflow ended .* while it was starting"):
        borrowed.wait()
    borrowed.end()
    assert not ray.exists()
    assert not (folder / "ray").is_symlink()


def test_a_spare_process_ends_with_what_is_kept(
    keeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    mine = tmp_path / f"run-{tmp_path.name}"
    mine.mkdir()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    spare = marked.start(command, mark=mine.name, env={}, log=mine / "log", folder=mine)
    folders.offer(mine, psutil.Process(spare.pid), "same")
    kept.end_kept()
    assert spare.wait(10.0) != 0


def test_what_is_kept_is_told_and_ended_by_command(
    keeper: subprocess.Popen[bytes], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.main(["status"]) == 0
    assert PORTS.ray_url in capsys.readouterr().out
    assert kept.main(["end"]) == 0
    assert keeper.wait(10.0) != 0
    assert not (folder / "keeper.json").exists()
    kept.main(["status"])
    assert kept.main(["end"]) == 0
    assert capsys.readouterr().out == ""
