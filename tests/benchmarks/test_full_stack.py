"""The client of a full stack: patient, and never on another stack's state."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from benchmarks import full_stack
from benchmarks.full_stack import FullStack, dags_folder, until, with_own_state
from operators.processes.ports import Ports
from tasks.core.errors import OrreryError


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_stack, "_POLL_S", 0.0)


def test_what_can_not_be_reached_is_asked_again() -> None:
    answers = iter([httpx.ConnectError("away"), False, True])

    def ask() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    until(ask, 60.0, "it")
    with pytest.raises(OrreryError, match="it: not there after 0 s"):
        until(lambda: False, 0.0, "it")


def test_a_run_is_triggered_until_airflow_takes_it_and_a_refusal_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies = [httpx.Response(500), httpx.Response(200, json={"dag_run_id": "r"})]
    stack = FullStack(Ports(1, 2, 3, ()))
    monkeypatch.setattr(stack, "airflow", lambda *_args, **_body: replies.pop(0))
    assert stack.trigger("sample", {}) == "r"
    replies.append(httpx.Response(400, text="count is negative"))
    with pytest.raises(OrreryError, match=r"refuses .* count is negative"):
        stack.trigger("sample", {"count": -1})


def test_a_task_that_returned_nothing_has_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, task = FullStack(Ports(1, 2, 3, ())), {"task_id": "list", "map_index": -1}
    replies = [
        httpx.Response(404),
        httpx.Response(200, json={"value": {"uri": "a"}}),
        httpx.Response(200, json={"value": [{"uri": "a"}, {"uri": "b"}]}),
    ]
    monkeypatch.setattr(stack, "airflow", lambda *_args: replies.pop(0))
    found = [[each["uri"] for each in stack.results("d", "r", task)] for _ in range(3)]
    assert found == [[], ["a"], ["a", "b"]]


def test_files_of_dags_are_gathered_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("1")
    gathered = dags_folder([tmp_path / "one.py"], tmp_path / "dags")
    assert [path.name for path in gathered.iterdir()] == ["one.py"]


def test_a_command_begins_again_with_a_state_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(os, "execve", lambda _file, _args, env: begun.append(env["ORRERY_STATE"]))
    with_own_state(tmp_path)
    monkeypatch.setenv("ORRERY_STATE", str(tmp_path))
    with_own_state(tmp_path)
    assert begun == [str(tmp_path)]
