"""Stages as Airflow tasks: a deferrable operator over the Ray Jobs API.

A task first looks for its finished result (then nothing runs), then for a live job of its own
(then it re-attaches), else submits one. While the job runs, the task holds no worker: its
trigger follows the job.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from operators.compute.ray_jobs import WORD, RayJobs, job_id
from operators.installation import MARK, PYTHON, config_path, load_profile, profile_name
from operators.installed_code import code_digest, code_folder
from operators.plain_log import plain
from operators.record.headline import show_headline
from operators.record.mlflow_tracker import tag_run
from operators.record.registrations import registered_below
from operators.schedule.assets import REGISTERED_MODELS, model_asset, params_of
from operators.schedule.links import LinkedOperator
from operators.schedule.stage_trigger import STOPPED, StageTrigger
from operators.stage.plan import find_finished
from operators.stage.request import Caller, StageRequest, entrypoint
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from operators.tries import DRIVER_TRIES
from tasks.core.config import config_json
from tasks.core.errors import ArtifactError, OrreryError, ResourceError, TransientError
from tasks.core.params import load_config
from tasks.core.records import ArtifactRef

OPEN_RUN = "open_run"

logger = logging.getLogger(__name__)


class StageOperator(LinkedOperator):
    """Runs one stage on the Ray cluster and returns a reference to its result."""

    template_fields = ("inputs",)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        stage: str,
        config: type[Any],
        inputs: Any = (),
        **kwargs: Any,
    ) -> None:
        """Declare the task.

        Args:
            stage: ``module:function`` of the stage; a text, so that parsing loads nothing heavy.
            config: Class of the pipeline's settings.
            inputs: Reference, or references, that earlier tasks returned.
            **kwargs: What every Airflow operator takes.
        """
        super().__init__(**kwargs)
        self.stage = stage
        self.config = config
        self.inputs = inputs
        self.fans_out = False  # `Pipeline.map` says whether references come as a list
        self._live: tuple[str, str] | None = None

    def execute(self, context: Context) -> Any:
        """Return the finished result, or wait for a job that makes it.

        Raises:
            TransientError: Something was lost; Airflow tries again.
            AirflowFailException: Trying again would not help.
        """
        with judged(task_name(context)):
            if missing := without_result(context, self.upstream_task_ids - {OPEN_RUN}):
                raise ArtifactError(
                    f"{', '.join(missing)} returned no result, as happens where a person marks it "
                    "as succeeded: clear that task"
                )
            request = self._request(context)
            address = load_profile(profile_name()).ray_api
            refs = find_finished(request)
            if refs is not None:
                return self._reuse(context, refs)
            live_id, attached = asyncio.run(self._attach_or_submit(address, context, request))
            self._live = (address, live_id)
        return self._wait(context, address, live_id, attached)

    def collect(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Return the references that the job printed, or fail as it did.

        Raises:
            TransientError: Something was lost; Airflow tries again.
            AirflowFailException: Trying again would not help.
        """
        self.link(_parent(context).get("url", ""), event["job_id"])
        if event["error"] is None:
            return self._result(context, [ArtifactRef(**each) for each in event["result"]])
        kind, message = event["error"]["type"], plain(event["error"]["message"])
        if kind == STOPPED:
            logger.warning("%s was stopped: %s", task_name(context), message)
        else:
            logger.error("%s failed: %s: %s", task_name(context), kind, message)
        if kind == TransientError.__name__:
            raise TransientError(message)
        raise AirflowFailException(f"{kind}: {message}")

    def on_kill(self) -> None:
        """Stop the job if the task is killed before its trigger has taken over."""
        if self._live is not None:
            asyncio.run(_stop(*self._live))

    def _wait(self, context: Context, address: str, live_id: str, attached: bool) -> NoReturn:
        """Leave the worker; `collect` goes on when the job has ended."""
        task = task_name(context)
        self.link(_parent(context).get("url", ""), live_id)
        self.say_links(task)
        logger.info("%s: %s job %s", task, "re-attached to" if attached else "started", live_id)
        trigger = StageTrigger(address, live_id, task, time.time(), attached)
        raise TaskDeferred(trigger=trigger, method_name="collect")

    def _request(self, context: Context) -> StageRequest:
        """What the stage is called with.

        Raises:
            ConfigError: A param is unknown or out of range.
        """
        ti, dag_id = context["ti"], context["dag"].dag_id
        config = load_config(self.config, config_path(dag_id), params_of(context))
        return StageRequest(
            pipeline=dag_id,
            stage=self.stage,
            config=config_json(config),
            inputs=_references(self.inputs),
            caller=Caller(
                run_id=ti.run_id,
                dag_id=dag_id,
                task_id=ti.task_id,
                map_index=map_index(context),
                try_number=ti.try_number,
                profile=profile_name(),
                parent_run_id=_parent(context).get("run_id", ""),
                code=code_digest(),
                code_folder=code_folder(),
            ),
        )

    async def _attach_or_submit(
        self, address: str, context: Context, request: StageRequest
    ) -> tuple[str, bool]:
        """Return the id of the task's job, and whether it was running already."""
        ti = context["ti"]
        metadata = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id}
        metadata |= {"stack": os.environ.get(MARK, ""), WORD: secrets.token_hex(16)}
        num_killed = 0
        async with RayJobs(address) as jobs:
            for attempt in itertools.count(1):
                place = (ti.dag_id, ti.run_id, ti.task_id, map_index(context))
                live_id = job_id(*place, attempt)
                job = await jobs.find(live_id)
                if job is None:
                    self._check_killed(context, num_killed)
                    python = os.environ.get(PYTHON, sys.executable)
                    command = entrypoint(request, metadata[WORD], python)
                    started = await jobs.submit(live_id, command, metadata)
                    return live_id, not started
                if not job.has_ended:
                    return live_id, True
                num_killed = num_killed + 1 if job.was_killed else 0
        raise AssertionError("unreachable: the attempts are endless")

    def _check_killed(self, context: Context, num_killed: int) -> None:
        """Raise if the last so many drivers were killed, one a try, since the task was cleared."""
        ti = context["ti"]
        earlier_tries = ti.try_number - 1 - max(0, ti.max_tries - (self.retries or 0))
        if min(num_killed, earlier_tries) >= DRIVER_TRIES:
            raise ResourceError(
                f"its driver was killed {DRIVER_TRIES} times in a row, as happens where memory "
                "runs out: see the jobs' logs; make the work smaller, or give the head more "
                "memory, then clear the task"
            )

    def _reuse(self, context: Context, refs: Sequence[ArtifactRef]) -> Any:
        """Return a finished result, and note in the pipeline's run that it was not made anew."""
        self.link(_parent(context).get("url", ""))
        self.say_links(task_name(context))
        logger.info("%s: reused %s", task_name(context), ", ".join(ref.uri for ref in refs))
        if parent := _parent(context).get("run_id"):
            tags = {f"reused.{context['ti'].task_id}": " ".join(ref.uri for ref in refs)}
            tag_run(load_profile(profile_name()).tracking_uri, parent, tags)
        return self._result(context, refs)

    def _result(self, context: Context, refs: Sequence[ArtifactRef]) -> Any:
        """What XCom carries: one reference, or a list of them to map over."""
        values = [ref.model_dump() for ref in refs]
        if self.outlets:
            self._announce(context, refs[0])
        return values if self.fans_out else values[0]

    def _announce(self, context: Context, ref: ArtifactRef) -> None:
        """Emit the events of the task's assets, and show its figures as the DAG run's headline."""
        profile, parent = load_profile(profile_name()), _parent(context).get("run_id")
        for outlet in self.outlets:
            events, registers = context["outlet_events"][outlet], outlet == REGISTERED_MODELS
            if not registers:
                events.extra = {"ref": ref.model_dump()}
            if not parent:
                continue
            storage = Storage(profile.absolute_store_uri(), profile.store_options)
            key = read_artifact(storage, ref).key
            if not registers:
                show_headline(profile.tracking_uri, parent, key)
                continue
            for model in registered_below(profile.tracking_uri, parent, key):
                events.add(model_asset(model["name"]), extra=model)


def without_result(context: Context, task_ids: Iterable[str]) -> list[str]:
    """Tasks that count as a success and returned nothing: a person said so, no stage did.

    Args:
        context: Of the running task, as Airflow gives it.
        task_ids: Stages of its DAG, mapped ones among them.

    Raises:
        TransientError: Airflow's API can't be asked.
    """
    ti, missing = context["ti"], []
    for name in sorted(task_ids):
        task = context["dag"].get_task(name)
        # Of a mapped task their number alone is asked for: each of many tasks behind it does.
        results = task.output.resolve(context)
        try:
            num_results = len(results) if task.is_mapped else int(results is not None)
        except RuntimeError as error:
            raise TransientError(f"can't count the results of {name}: {error}") from error
        num_well = ti.get_ti_count(
            dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=[name], states=["success"]
        )
        if num_results < num_well:
            missing.append(name)
    return missing


@contextmanager
def judged(what: str) -> Iterator[None]:
    """Let errors that pass be tried again, and make final for Airflow those that last."""
    try:
        yield
    except TransientError as error:
        logger.warning("%s: %s; tried again while tries are left", what, plain(str(error)))
        raise
    except OrreryError as error:
        logger.error("%s: %s", what, plain(str(error)))  # noqa: TRY400  (the message says it all)
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


def task_name(context: Context) -> str:
    """Name of the task in log lines: ``match``, or ``match[3]`` if it is mapped."""
    name, index = context["ti"].task_id, map_index(context)
    return name if index < 0 else f"{name}[{index}]"


def map_index(context: Context) -> int:
    """Which of a mapped task; -1 if it is not mapped."""
    index = context["ti"].map_index
    return -1 if index is None else index


def _parent(context: Context) -> Mapping[str, str]:
    """Id and address of the pipeline's MLflow run, as the first task returned them."""
    return context["ti"].xcom_pull(task_ids=OPEN_RUN) or {}


async def _stop(address: str, live_id: str) -> None:
    async with RayJobs(address) as jobs:
        await jobs.stop(live_id)


def _references(inputs: Any) -> list[Any]:
    """Sort what XCom gave into one entry per parameter of the stage."""
    if isinstance(inputs, Mapping):
        return [dict(inputs)]
    return [dict(each) if isinstance(each, Mapping) else list(each) for each in inputs]
