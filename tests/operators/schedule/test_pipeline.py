"""Wiring a pipeline: its tasks, its form, its schedule and its MLflow run."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from operators.installation import PROFILE, SCHEDULES
from operators.schedule.pipeline import CloseRun, OpenRun, Pipeline, pipeline
from tests.support.kernel.sample_stages import SampleConfig

STAGES = "tests.support.kernel.sample_stages"


def sample() -> Pipeline:
    doc = "Help.\n\nMore."
    with pipeline("dags/sample.py", doc, config=SampleConfig, tags=["b", "a"]) as run:
        numbers = run.stage(f"{STAGES}:list_numbers", task="list")
        groups = run.stage(f"{STAGES}:group_numbers", numbers, task="group", fans_out=True)
        doubled = run.map(f"{STAGES}:double_numbers", groups, task="double")
        run.stage("tests.support.kernel.sample_publish:sum_numbers", doubled, publishes=True)
    return run


def test_stages_run_in_order_between_open_and_close() -> None:
    dag = sample().dag
    assert dag.dag_id == "sample"
    assert dag.doc_md == "Help.\n\nMore."
    assert dag.description == "Help."
    assert dag.owner == "orrery"
    order = [task.task_id for task in dag.topological_sort()]
    assert order == ["open_run", "list", "group", "double", "sample_publish", "close_run"]
    closing = dag.get_task("close_run")
    assert closing.is_teardown
    assert closing.on_failure_fail_dagrun
    assert dag.get_task("open_run").is_setup
    assert dag.get_task("double").retries == 2
    assert [outlet.name for outlet in dag.get_task("sample_publish").outlets] == ["sample"]


def test_each_setting_is_a_param_with_help_range_and_section() -> None:
    params = sample().dag.params
    factor = params.get_param("double.factor")
    assert factor.value == 2.0
    assert factor.description == "What to multiply by. 0 to 100 times."
    assert factor.schema == {
        "type": ["number", "null"],
        "minimum": 0.0,
        "maximum": 100.0,
        "title": "Factor",
        "section": "Advanced · double",
    }
    assert "count" in params


@pytest.mark.parametrize(
    ("name", "value"),
    [("double.factor", 101.0), ("double.factor", "two"), ("count", -1), ("seed", 1.5)],
)
def test_a_bad_value_is_refused_by_its_name(name: str, value: Any) -> None:
    params = sample().dag.params
    with pytest.raises(ParamValidationError, match=f"Invalid input for param {name}"):
        params.update({name: value})


def test_the_first_task_refuses_a_misspelt_param(monkeypatch: pytest.MonkeyPatch) -> None:
    where: Any = {
        "dag": types.SimpleNamespace(dag_id="sample"),
        "ti": types.SimpleNamespace(run_id="run-1"),
        "params": {"double.facto": 3.0},
    }
    task = OpenRun(task_id="open_run", config=SampleConfig)
    with pytest.raises(AirflowFailException, match=r"did you mean 'double\.factor'"):
        task.execute(where)


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


def close(states: dict[str, str], run: dict[str, str] | None = None) -> None:
    """Run the last task of a run whose tasks ended so."""
    told = {"open_run": "success", **states, "close_run": "running"}
    ti = types.SimpleNamespace(
        dag_id="sample",
        run_id="r",
        xcom_pull=lambda task_ids: run,
        get_task_states=lambda dag_id, run_ids: {"r": told},
    )
    CloseRun(task_id="close_run").execute({"ti": ti})


def test_a_run_is_well_only_where_all_its_stages_are() -> None:
    close({"list": "success", "double_0": "success", "double_1": "removed"})


@pytest.mark.parametrize("state", ["failed", "skipped", "upstream_failed", "None"])
def test_a_run_fails_where_a_stage_did_not_succeed(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "operators.schedule.pipeline.close_run",
        lambda _uri, run_id, status: closed.append((run_id, status)),
    )
    with pytest.raises(AirflowFailException, match=rf"double_1 \({state}\) did not succeed"):
        close({"list": "success", "double_1": state}, {"run_id": "m", "url": "http://m"})
    assert closed == [("m", "FAILED")], "MLflow's run is closed before"


def test_a_schedule_brings_its_own_params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sample().dag.schedule is None
    path = tmp_path / "schedules.yaml"
    path.write_text("sample:\n  cron: '0 3 * * *'\n  params: {count: 7}\n")
    monkeypatch.setenv(SCHEDULES, str(path))
    dag = sample().dag
    assert dag.schedule == "0 3 * * *"
    assert dag.params["count"] == 7
    assert not dag.catchup
