"""The stack where nothing runs; what runs is tested whole in tests/integration/test_stack.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from operators.processes import marked
from operators.processes.ports import Ports
from operators.stack import services
from operators.stack import supervise as stack

PORTS = Ports(8080, 5000, 8265, tuple(range(26000, 26008)))


def test_all_servers_are_supervised_and_ray_starts_alone(tmp_path: Path) -> None:
    programs = stack.programs(PORTS, tmp_path)
    airflow = {f"airflow-{name}" for name in services.AIRFLOW_SERVICES}
    assert set(programs) == {"ray", "mlflow", "serving"} | airflow
    assert [name for name, each in programs.items() if each.starts_at_once] == ["ray"]
    assert programs["ray"].command == services.ray_command(PORTS, tmp_path / "ray")


def test_a_stack_that_is_down_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stack, "NOTE", tmp_path / "stack.json")
    assert stack.running_ports() is None
    assert stack.main(["status"]) == stack.EXIT_DOWN
    assert stack.main(["down"]) == 0
    assert capsys.readouterr().out.splitlines() == ["the stack is down", "the stack was down"]


def test_status_tells_of_servers_whose_supervisor_and_folders_have_gone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stack, "MARK", f"test-{tmp_path.name}")
    monkeypatch.setattr(stack, "NOTE", tmp_path / "none" / "stack.json")
    monkeypatch.setattr(stack, "LOGS", tmp_path / "none" / "logs")
    stack.note(PORTS, "SQLite files somewhere")
    wait = [sys.executable, "-c", "import time; time.sleep(60)"]
    orphan = marked.start(
        wait, mark=f"{stack.MARK}/ray", env=os.environ, log=tmp_path / "log", folder=tmp_path
    )
    known = [psutil.Process(orphan.pid)]
    monkeypatch.setattr(marked, "members", lambda *_: known)
    try:
        for _ in ("while it lives", "just after it has gone"):
            assert stack.main(["status"]) == stack.EXIT_DOWN
            told = capsys.readouterr().out
            assert "database SQLite files somewhere" in told
            assert "their supervisor has ended" in told
            assert "1 processes, " in told
            orphan.kill()
            orphan.wait()
    finally:
        stack._run_folder().rmdir()


@pytest.mark.parametrize("note", ["", "{", "[1, 2]", '{"airflow": 1}', '{"ray_inner": 7}', "null"])
def test_a_note_that_was_cut_short_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, note: str
) -> None:
    monkeypatch.setattr(stack, "NOTE", tmp_path / "stack.json")
    stack.NOTE.write_text(note)
    assert stack.running_ports() is None
    assert stack.noted_database() == ""
    assert stack.main(["status"]) == stack.EXIT_DOWN
