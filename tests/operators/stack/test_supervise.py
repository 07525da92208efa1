"""The stack where nothing runs; what runs is tested whole in tests/integration/test_stack.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.stack import services
from operators.stack import supervise as stack
from operators.stack.services import Ports

PORTS = Ports(8080, 5000, 8265, tuple(range(26000, 26008)))


def test_all_servers_are_supervised_and_ray_starts_alone(tmp_path: Path) -> None:
    programs = stack.programs(PORTS, tmp_path)
    airflow = {f"airflow-{name}" for name in services.AIRFLOW_SERVICES}
    assert set(programs) == {"ray", "mlflow"} | airflow
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
