"""Wiring a pipeline: its tasks, its form, its schedule and its MLflow run."""

from __future__ import annotations

import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import AssetAll
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import (
    AirflowRuntimeError,
    ErrorType,
    ParamValidationError,
    TaskDeferralError,
)
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.serialization.serialized_objects import DagSerialization

from operators.installation import SCHEDULES
from operators.schedule.assets import model_asset
from operators.schedule.pipeline import Pipeline, pipeline
from operators.tries import TASK_RETRIES
from tasks.core.errors import ConfigError, TransientError
from tasks.serving.release.config import ReleaseModelConfig
from tests.support.hostile.refusals import refused
from tests.support.kernel.sample_stages import SampleConfig

STAGES = "tests.support.kernel.sample_stages"


def sample() -> Pipeline:
    doc = "Help.\n\nMore."
    with pipeline("dags/sample.py", doc, config=SampleConfig, tags=["b", "a"]) as run:
        numbers = run.stage(f"{STAGES}:list_numbers", task="list")
        groups = run.stage(f"{STAGES}:group_numbers", numbers, task="group")
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
    assert [outlet.name for outlet in dag.get_task("sample_publish").outlets] == ["sample"]


def test_a_stage_that_registers_announces_models_too() -> None:
    with pipeline("dags/sample.py", "Help.", config=SampleConfig) as run:
        both = run.stage(f"{STAGES}:list_numbers", publishes=True, registers=True)
    assert [each.name for each in both.outlets] == ["sample", "registered_models"]


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


@pytest.mark.parametrize("task", ["open_run", "double", "close_run"])
@pytest.mark.parametrize(
    ("error", "action"),
    [
        (TransientError("MLflow is away"), RetryAction.RETRY),
        (AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR)), RetryAction.RETRY),
        (SystemExit(1), RetryAction.RETRY),
        (ConfigError("no such setting"), RetryAction.FAIL),
        (KeyError("a bug"), RetryAction.FAIL),
        (TaskDeferralError("a bug in the trigger"), RetryAction.FAIL),
        (OSError("of the operator's own"), RetryAction.FAIL),
    ],
)
def test_only_what_passes_is_tried_again(
    error: BaseException, action: RetryAction, task: str
) -> None:
    made = sample().dag.get_task(task)
    policy = (made.partial_kwargs if made.is_mapped else vars(made))["retry_policy"]
    assert policy.evaluate(error, 1, TASK_RETRIES).action is action


def waits_s(task: str) -> list[float]:
    """Pauses after each of a task's tries, as Airflow's scheduler computes them."""
    planned = DagSerialization.from_dict(DagSerialization.to_dict(sample().dag)).get_task(task)
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"dag_id": "sample", "task_id": task, "logical_date": None, "end_date": ended}
    tries = range(1, planned.retries + 1)
    fake: Any = types.SimpleNamespace(task=planned, retry_delay_override=None, **given)
    waits = []
    for fake.try_number in tries:
        waits.append((TaskInstance.next_retry_datetime(fake) - ended).total_seconds())
    return waits


@pytest.mark.parametrize(("task", "minutes"), [("open_run", 30), ("double", 30), ("close_run", 90)])
def test_a_task_is_patient_and_the_closing_of_a_run_most(task: str, minutes: int) -> None:
    waits = waits_s(task)
    assert waits[0] < 10
    assert max(waits) == 120
    assert 60 * minutes <= sum(waits) <= 60 * (minutes + 10)


def test_a_schedule_brings_its_own_params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sample().dag.schedule is None
    path = tmp_path / "schedules.yaml"
    path.write_text("sample:\n  cron: '0 3 * * *'\n  params: {count: 7}\n")
    monkeypatch.setenv(SCHEDULES, str(path))
    dag = sample().dag
    assert dag.schedule == "0 3 * * *"
    assert dag.params["count"] == 7
    assert not dag.catchup


def test_a_pipeline_may_follow_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text("release_model: {model: cells, params: {steps: [100]}}\n")
    monkeypatch.setenv(SCHEDULES, str(path))
    with pipeline("dags/release_model.py", "", config=ReleaseModelConfig) as run:
        run.stage("tasks.serving.stages.fetch:fetch_candidate")
    assert run.dag.timetable.asset_condition == AssetAll(model_asset("cells"))
    assert (run.dag.params["model"], run.dag.params["steps"]) == ("cells", [100])


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sample: {cron: '0 3 * * *', parms: {}}", "parms"),
        ("sample: {cron: 7}", "cron"),
        ("sample: {params: [1]}", "params"),
        ("sample: {model: cells}", "'model'"),
        ("sample: {cron: '0 3 * * *', model: cells}", "expected either cron or model"),
        ("sample: [1]", "sample"),
        ("sample: daily", "sample"),
        ("[sample]", "expected pipelines"),
        ("sampel: {cron: '0 3 * * *'}", "no pipeline is called 'sampel'; did you mean 'sample'?"),
        ("restich: {}", "did you mean 'restitch'?"),
        ("7: {}", "no pipeline is called '7'; valid are: "),
        ("sample: {params: {cuont: 7}}", "'count'"),
        ("sample: {params: {count: 010, count: 8}}", "twice"),
        ("sample: {params: {count: -1}}", "count"),
        ("sample: {params: {double: {factor: .inf}}}", "factor"),
        ("sample: {cron: &c '0 3 * * *'}\nother: {cron: *c}", "reference"),
        ("sample: {", "YAML"),
    ],
)
def test_a_schedule_that_says_nothing_is_refused(
    text: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(text)
    monkeypatch.setenv(SCHEDULES, str(path))
    with refused("schedules.yaml", named):
        sample()


def test_a_schedule_s_params_may_be_nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text("sample: {params: {double: {factor: 3.0}}}\n")
    monkeypatch.setenv(SCHEDULES, str(path))
    assert sample().dag.params["double.factor"] == 3.0
