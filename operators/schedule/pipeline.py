"""Wires stages into an Airflow DAG, so that a file in `dags/` is a page of names.

    with pipeline(__file__, __doc__, config=RestitchConfig, tags=["panorama"]) as run:
        groups = run.stage("tasks.panorama.stages.ingest:ingest_captures")
        matches = run.map("tasks.panorama.stages.match:match_captures", groups)
        run.stage("tasks.panorama.stages.publish:publish_captures", matches, publishes=True)

A first task checks the params and opens the MLflow run of the DAG run, a last one closes it
(`operators.schedule.run_tasks`).
The params are the pipeline's settings, one a field, with type, range and help
(`operators.schedule.form`), so Airflow's form and API refuse a bad value by the field's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowRuntimeError
from pydantic import Field
from pydantic.dataclasses import dataclass

from operators.installation import ROOT, SCHEDULES, config_path, dag_files
from operators.schedule.assets import REGISTERED_MODELS, model_asset
from operators.schedule.form import form
from operators.schedule.run_tasks import CLOSE_RUN, CloseRun, OpenRun
from operators.schedule.stage_operator import OPEN_RUN, StageOperator
from operators.tries import CLOSE_RETRIES, TASK_BACKOFF, TASK_MAX_PAUSE, TASK_PAUSE, TASK_RETRIES
from tasks.core.config import SETTINGS
from tasks.core.errors import ConfigError, TransientError
from tasks.core.outside.documents import read_yaml
from tasks.core.outside.roots import quoted
from tasks.core.params import by_param, load_config, near, parse_config

MAX_ACTIVE_RUNS = 4
OWNER = "orrery"
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
        registers: bool = False,
    ) -> StageOperator:
        """Add a stage that runs once.

        Args:
            stage: ``module:function``.
            *inputs: Stages whose results it takes, in the order of its parameters; a mapped
                stage gives the list of its results.
            task: Name of the task; that of the stage's module if empty.
            publishes: Whether its result is announced as the asset that bears the DAG's name.
            registers: Whether it registers models, which are announced each as an asset of its own.
        """
        outlets = [asset(self.dag.dag_id)] if publishes else []
        return StageOperator(
            task_id=task or task_id(stage),
            stage=stage,
            config=self._config,
            inputs=[each.output for each in inputs],
            outlets=[*outlets, REGISTERED_MODELS] if registers else outlets,
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


def asset(dag_id: str) -> Asset:
    """Return the asset that a pipeline's last stage emits; its event's extra has the ``ref``."""
    return Asset(name=dag_id, uri=f"orrery://{dag_id}", group="orrery")


def task_id(stage: str) -> str:
    """Return a stage's task id: the name of its module."""
    return stage.partition(":")[0].rpartition(".")[2]


@dataclass(frozen=True, config=SETTINGS)
class Schedule:
    """When a pipeline runs by itself, and with which params.

    Attributes:
        cron: By the clock.
        model: Instead, for each version that a run registers of this model.
        params: Its params; those of a model's version, ``model`` and ``version``, are told.
    """

    cron: str | None = None
    model: str = ""
    params: dict[str, Any] = Field(default_factory=dict)


def _schedule(file: Path, config: type[Any]) -> tuple[str | list[Asset] | None, Mapping[str, Any]]:
    """The entry of a DAG file's pipeline in configs/schedules.yaml."""
    path = Path(os.environ.get(SCHEDULES, ROOT / "configs" / "schedules.yaml"))
    schedules, dag_id = (read_yaml(path) if path.exists() else None) or {}, file.stem
    if not isinstance(schedules, dict):
        raise ConfigError(f"{path}: expected pipelines, got {type(schedules).__name__}")
    pipelines = dag_files(ROOT / "dags") | dag_files(file.parent) | {dag_id: file}
    for name in map(str, schedules):
        if name not in pipelines:
            raise ConfigError(
                f"{path}: no pipeline is called {quoted(name)}{near(name, pipelines)}"
            )
    try:
        found = parse_config(Schedule, schedules.get(dag_id) or {})
        if found.cron and found.model:
            raise ConfigError("expected either cron or model, got both; take one out")  # noqa: TRY301
        params = {"model": found.model} | found.params if found.model else found.params
        if found.cron or params:
            load_config(config, config_path(dag_id), params)
        when = [model_asset(found.model)] if found.model else found.cron
        return when, by_param(config, params)
    except ConfigError as error:
        raise ConfigError(f"{path}, {dag_id}: {error}") from error
