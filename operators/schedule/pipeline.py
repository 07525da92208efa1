"""Wires stages into an Airflow DAG, so that a file in `dags/` is a page of names.

    with pipeline(__file__, __doc__, config=RestitchConfig, tags=["panorama"]) as run:
        groups = run.stage("tasks.panorama.stages.ingest:ingest_captures")
        matches = run.map("tasks.panorama.stages.match:match_captures", groups)
        run.stage("tasks.panorama.stages.publish:publish_captures", matches, publishes=True)

A first task checks the params and opens the MLflow run of the DAG run, a last one closes it.
The params are the pipeline's settings, one a field, with type, range and help
(`operators.schedule.form`), so Airflow's form and API refuse a bad value by the field's name.
"""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow.sdk import DAG, Asset, Context
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError
from pydantic import Field
from pydantic.dataclasses import dataclass

from operators.installation import (
    AIRFLOW_URL,
    MLFLOW_URL,
    ROOT,
    SCHEDULES,
    config_path,
    load_profile,
    profile_name,
)
from operators.record.mlflow_tracker import MlflowTracker, close_run, open_run
from operators.record.source import git_tags, source_tags
from operators.schedule.form import form
from operators.schedule.links import LinkedOperator
from operators.schedule.stage_operator import OPEN_RUN, StageOperator, judged, without_result
from operators.stage.request import check_run_id
from operators.tries import CLOSE_RETRIES, TASK_BACKOFF, TASK_MAX_PAUSE, TASK_PAUSE, TASK_RETRIES
from tasks.core.config import SETTINGS, config_json
from tasks.core.errors import ConfigError, TransientError
from tasks.core.outside.documents import read_yaml
from tasks.core.outside.roots import quoted
from tasks.core.params import by_param, load_config, near, parse_config

CLOSE_RUN = "close_run"
MAX_ACTIVE_RUNS = 4
OWNER = "orrery"
# A mapped task is removed where a run that is cleared has fewer groups than before.
_WELL = ("success", "removed")
# What passes: our own error, Airflow's where its API failed, and a process that was told to end.
# Anything else, a bug among it, would come again.
_PASSING: list[type[BaseException] | str] = [TransientError, AirflowRuntimeError, SystemExit]
_DEFAULTS = {
    "owner": OWNER,
    "retries": TASK_RETRIES,
    "retry_delay": TASK_PAUSE,
    "retry_exponential_backoff": TASK_BACKOFF,
    "max_retry_delay": TASK_MAX_PAUSE,
    "retry_policy": ExceptionRetryPolicy([RetryRule(_PASSING)], default=RetryAction.FAIL),
}

logger = logging.getLogger(__name__)


class Pipeline:
    """The stages of one DAG while it is wired."""

    def __init__(self, dag: DAG, config: type[Any]) -> None:
        """Begin with no stage; see `pipeline`."""
        self.dag = dag
        self._config = config

    def stage(
        self,
        stage: str,
        *inputs: Any,
        task: str = "",
        publishes: bool = False,
    ) -> StageOperator:
        """Add a stage that runs once.

        Args:
            stage: ``module:function``.
            *inputs: Stages whose results it takes, in the order of its parameters; a mapped
                stage gives the list of its results.
            task: Name of the task; that of the stage's module if empty.
            publishes: Whether its result is announced as the asset that bears the DAG's name.
        """
        return StageOperator(
            task_id=task or task_id(stage),
            stage=stage,
            config=self._config,
            inputs=[each.output for each in inputs],
            outlets=[asset(self.dag.dag_id)] if publishes else [],
        )

    def map(self, stage: str, groups: Any, *others: Any, task: str = "") -> Any:
        """Add a stage that runs once per group.

        Args:
            stage: ``module:function``.
            groups: Stage that declares ``fans_out=True``, or a mapped stage.
            *others: Further mapped stages, whose results of the same group it takes too.
            task: Name of the task; that of the stage's module if empty.
        """
        if isinstance(groups, StageOperator):  # a mapped stage gives a list by itself
            groups.fans_out = True
        output = groups.output.zip(*(each.output for each in others)) if others else groups.output
        return StageOperator.partial(
            task_id=task or task_id(stage), stage=stage, config=self._config
        ).expand(inputs=output)


@contextmanager
def pipeline(
    file: str,
    doc: str | None,
    *,
    config: type[Any],
    tags: Iterable[str] = (),
) -> Iterator[Pipeline]:
    """Open the DAG of a pipeline; the stages that the block adds run between open and close.

    Args:
        file: The DAG's file (``__file__``); its name is the DAG's.
        doc: The DAG's page in Markdown (``__doc__``); its first line describes the DAG in lists.
        config: Class of the pipeline's settings.
        tags: Labels in the list of DAGs.
    """
    dag_id = Path(file).stem
    schedule, defaults = _schedule(Path(file), config)
    with DAG(
        dag_id=dag_id,
        description=(doc or "").partition("\n")[0],
        doc_md=doc,
        params=form(config, config_path(dag_id), defaults),
        schedule=schedule,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=MAX_ACTIVE_RUNS,
        tags=sorted(tags),
        default_args=_DEFAULTS,
    ) as dag:
        opened = OpenRun(task_id=OPEN_RUN, config=config)
        closed = CloseRun(task_id=CLOSE_RUN, retries=CLOSE_RETRIES)
        closed.as_teardown(setups=opened, on_failure_fail_dagrun=True)
        yield Pipeline(dag, config)
        stages = [task for task in dag.tasks if task.task_id not in (OPEN_RUN, CLOSE_RUN)]
        for task in stages:
            if not task.upstream_task_ids:
                opened >> task
            if not task.downstream_task_ids:
                task >> closed


class OpenRun(LinkedOperator):
    """Checks the params and opens the MLflow run; nothing runs on Ray before it."""

    def __init__(self, *, config: type[Any], **kwargs: Any) -> None:
        """Declare the task; ``config`` is the class of the pipeline's settings."""
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> dict[str, str]:
        """Return the id and the address of the pipeline's MLflow run.

        Raises:
            TransientError: MLflow can't be reached.
            AirflowFailException: A param is unknown or wrong, or the run's id can't be recorded.
        """
        dag_id, run_id = context["dag"].dag_id, context["ti"].run_id
        with judged(dag_id):
            check_run_id(run_id)
            config = load_config(self.config, config_path(dag_id), dict(context["params"]))
            profile = load_profile(profile_name())
            profile.check_paths(config)
            uri = profile.tracking_uri
            if "://" not in uri:
                return {"run_id": "", "url": ""}
            tags = {"airflow.dag_id": dag_id, "airflow.run_id": run_id}
            tags |= {"mlflow.note.content": _note(dag_id, run_id)}
            tags |= source_tags(f"dags/{dag_id}.py") | git_tags() | {"mlflow.user": _user(context)}
            run = open_run(uri, dag_id, run_id, tags, context["dag"].doc_md or "")
        tracker = MlflowTracker(uri, run)
        tracker.log_params(by_param(self.config, config_json(config)))
        tracker.close()
        url = run.url.replace(uri, os.environ.get(MLFLOW_URL, uri), 1)
        self.link(url)
        self.say_links(dag_id)
        return {"run_id": run.run_id, "url": url}


class CloseRun(LinkedOperator):
    """Closes the MLflow run as finished or failed, however the stages ended.

    It fails where a stage did not succeed, after it has closed the MLflow run, and so does the
    DAG run: Airflow alone would call a run a success whose last stages were skipped, or one whose
    stage a person marked as succeeded that had made nothing yet.
    """

    def execute(self, context: Context) -> None:
        """Close the run.

        Raises:
            TransientError: MLflow can't be reached.
            AirflowFailException: A stage did not succeed.
        """
        ti = context["ti"]
        run = ti.xcom_pull(task_ids=OPEN_RUN) or {}
        self.link(run.get("url", ""))
        self.say_links(CLOSE_RUN)
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        others = {name: str(each) for name, each in states.items() if name != CLOSE_RUN}
        failed = [f"{name} ({each})" for name, each in sorted(others.items()) if each not in _WELL]
        stages = set(context["dag"].task_ids) - {OPEN_RUN, CLOSE_RUN}
        failed += [f"{name} (no result)" for name in without_result(context, stages)]
        status = "FAILED" if failed else "FINISHED"
        if run.get("run_id"):
            with judged(f"MLflow run {run['url']}"):
                uri = load_profile(profile_name()).tracking_uri
                told = status.lower() if close_run(uri, run["run_id"], status) else "gone"
            logger.info("%s: MLflow's run is %s", ti.dag_id, told)
        if failed:
            raise AirflowFailException(f"the run failed: {', '.join(failed)} did not succeed")


def asset(dag_id: str) -> Asset:
    """Return the asset that a pipeline's last stage emits; its event's extra has the ``ref``."""
    return Asset(name=dag_id, uri=f"orrery://{dag_id}", group="orrery")


def task_id(stage: str) -> str:
    """Return a stage's task id: the name of its module."""
    return stage.partition(":")[0].rpartition(".")[2]


@dataclass(frozen=True, config=SETTINGS)
class Schedule:
    """When a pipeline runs by itself, and with which params."""

    cron: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


def _schedule(file: Path, config: type[Any]) -> tuple[str | None, Mapping[str, Any]]:
    """The entry of a DAG file's pipeline in configs/schedules.yaml."""
    path = Path(os.environ.get(SCHEDULES, ROOT / "configs" / "schedules.yaml"))
    schedules, dag_id = (read_yaml(path) if path.exists() else None) or {}, file.stem
    if not isinstance(schedules, dict):
        raise ConfigError(f"{path}: expected pipelines, got {type(schedules).__name__}")
    folders = (ROOT / "dags", file.parent)
    pipelines = {each.stem: each for at in folders for each in sorted(at.glob("[!_]*.py"))}
    pipelines[dag_id] = file
    for name in map(str, schedules):
        if name not in pipelines:
            raise ConfigError(
                f"{path}: no pipeline is called {quoted(name)}{near(name, pipelines)}"
            )
    try:
        found = parse_config(Schedule, schedules.get(dag_id) or {})
        if found.cron or found.params:
            load_config(config, config_path(dag_id), found.params)
        return found.cron, by_param(config, found.params)
    except ConfigError as error:
        raise ConfigError(f"{path}, {dag_id}: {error}") from error


def _user(context: Context) -> str:
    """Who triggered the run: a user of Airflow, the owner of a headless run, or the schedule."""
    if not os.environ.get(AIRFLOW_URL):
        return getpass.getuser()
    run = context["dag_run"]
    return run.triggering_user_name or str(run.run_type)


def _note(dag_id: str, run_id: str) -> str:
    base = os.environ.get(AIRFLOW_URL)
    if not base:
        return f"Headless run `{run_id}` of the pipeline `{dag_id}`."
    url = f"{base}/dags/{dag_id}/runs/{quote(run_id)}"
    return f"Run of the pipeline `{dag_id}`: [in Airflow]({url})"
