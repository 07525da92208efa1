"""Opening and closing the record of a DAG run, and the colour that it gets."""

from __future__ import annotations

import types
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from operators.installation import PROFILE
from operators.schedule.run_tasks import CloseRun, OpenRun
from tasks.core.errors import ResourceError, TransientError
from tasks.grasping.config import CollectGraspsConfig
from tests.support.kernel.sample_stages import SampleConfig


def test_the_first_task_refuses_a_misspelt_param(monkeypatch: pytest.MonkeyPatch) -> None:
    where: Any = {
        "dag": types.SimpleNamespace(dag_id="sample"),
        "ti": types.SimpleNamespace(run_id="run-1"),
        "params": {"double.facto": 3.0},
    }
    task = OpenRun(task_id="open_run", config=SampleConfig)
    with pytest.raises(AirflowFailException, match=r"did you mean 'double\.factor'"):
        task.execute(where)


def test_the_first_task_refuses_a_path_outside_of_the_profile_s_roots(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PROFILE, "cluster")
    where: Any = {
        "dag": types.SimpleNamespace(dag_id="collect_grasps"),
        "ti": types.SimpleNamespace(run_id="run-1"),
        "params": {"publish.export_to": "/srv"},
    }
    task = OpenRun(task_id="open_run", config=CollectGraspsConfig)
    with pytest.raises(AirflowFailException, match=r"publish\.export_to: '/srv' lies outside"):
        task.execute(where)


def test_the_first_task_refuses_an_id_that_can_not_be_recorded() -> None:
    where: Any = {
        "dag": types.SimpleNamespace(dag_id="sample"),
        "ti": types.SimpleNamespace(run_id="r" * 300),
        "params": {},
    }
    with pytest.raises(AirflowFailException, match="run_id: expected 1 to 250 letters"):
        OpenRun(task_id="open_run", config=SampleConfig).execute(where)


def test_a_profile_without_mlflow_tracks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("tracking_uri: ''\n")
    monkeypatch.setenv(PROFILE, str(profile))
    where: Any = {
        "dag": types.SimpleNamespace(dag_id="sample"),
        "ti": types.SimpleNamespace(run_id="run-1"),
        "params": {},
    }
    opened = OpenRun(task_id="open_run", config=SampleConfig).execute(where)
    assert opened == {"run_id": "", "url": ""}


def close(
    states: dict[str, str],
    run: dict[str, str] | None = None,
    results: dict[str, list[Any]] | None = None,
) -> None:
    """Run the last task of a run whose tasks ended so; each success has a result unless told."""
    told = {"open_run": "success", **states, "close_run": "running"}

    def count(task_ids: list[str], states: list[str], **_: Any) -> int:
        (name,), (state,) = task_ids, states
        return sum(each == state for key, each in told.items() if key.partition("_")[0] == name)

    def stage(name: str) -> Any:
        made = [{}] * count([name], ["success"])
        made = made if results is None else results.get(name, made)
        is_mapped = name == "double"
        one = made[0] if made else None
        output = types.SimpleNamespace(resolve=lambda _context: made if is_mapped else one)
        return types.SimpleNamespace(output=output, is_mapped=is_mapped)

    ti: Any = types.SimpleNamespace(
        dag_id="sample",
        run_id="r",
        xcom_pull=lambda task_ids: run,
        get_ti_count=count,
        get_task_states=lambda dag_id, run_ids: {"r": told},
    )
    names = ["open_run", *{key.partition("_")[0] for key in states}, "close_run"]
    dag: Any = types.SimpleNamespace(task_ids=names, get_task=stage)
    CloseRun(task_id="close_run").execute({"ti": ti, "dag": dag})


@pytest.mark.parametrize(
    ("results", "named"),
    [({"double": [{}]}, "double"), ({"double": []}, "double"), ({"list": [None]}, "list")],
)
def test_a_run_fails_where_a_person_said_that_a_stage_succeeded(
    results: dict[str, list[Any]], named: str
) -> None:
    states = {"list": "success", "double_0": "success", "double_1": "success"}
    with pytest.raises(AirflowFailException, match=rf"{named} \(no result\) did not succeed"):
        close(states, results=results)


def test_a_run_is_well_only_where_all_its_stages_are() -> None:
    close({"list": "success", "double_0": "success", "double_1": "removed"})


@pytest.mark.parametrize("state", ["failed", "skipped", "upstream_failed", "None"])
def test_a_run_fails_where_a_stage_did_not_succeed(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "operators.schedule.run_tasks.close_run",
        lambda _uri, run_id, status: closed.append((run_id, status)),
    )
    with pytest.raises(AirflowFailException, match=rf"double_1 \({state}\) did not succeed"):
        close({"list": "success", "double_1": state}, {"run_id": "m", "url": "http://m"})
    assert closed == [("m", "FAILED")], "MLflow's run is closed before"


@pytest.mark.parametrize(
    ("state", "raises"), [("success", False), ("failed", True)], ids=["well", "failed"]
)
def test_a_run_that_mlflow_has_no_more_leaves_the_colour_to_the_stages(
    state: str, raises: bool, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level("INFO", "operators")
    monkeypatch.setattr("operators.schedule.run_tasks.close_run", lambda *_: False)
    with pytest.raises(AirflowFailException) if raises else nullcontext():
        close({"list": state}, {"run_id": "m", "url": "http://m"})
    assert "sample: MLflow's run is gone" in caplog.messages


@pytest.mark.parametrize(
    ("error", "raised"),
    [(TransientError("away"), TransientError), (ResourceError("no login"), AirflowFailException)],
)
def test_a_run_that_mlflow_does_not_close_is_tried_again_only_if_that_may_help(
    error: Exception, raised: type, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("operators.schedule.run_tasks.close_run", fail)
    with pytest.raises(raised, match=str(error)):
        close({"list": "success"}, {"run_id": "m", "url": "http://m"})
    again = "; tried again while tries are left" if raised is TransientError else ""
    assert caplog.messages[-1] == f"MLflow run http://m: {error}{again}"
