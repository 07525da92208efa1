"""The first and the last task of a DAG run: they check its params, open and close its record.

Nothing runs on Ray before the first. The last one says which colour the DAG run has.
"""

from __future__ import annotations

import getpass
import logging
import os
from typing import Any
from urllib.parse import quote

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from operators.installation import (
    AIRFLOW_URL,
    MLFLOW_URL,
    config_path,
    load_profile,
    profile_name,
)
from operators.record.mlflow_tracker import MlflowTracker, close_run, open_run
from operators.record.source import git_tags, source_tags
from operators.schedule.assets import params_of
from operators.schedule.links import LinkedOperator
from operators.schedule.stage_operator import OPEN_RUN, judged, without_result
from operators.stage.request import check_run_id
from tasks.core.config import config_json
from tasks.core.params import by_param, load_config

CLOSE_RUN = "close_run"
# A mapped task is removed where a run that is cleared has fewer groups than before.
_WELL = ("success", "removed")

logger = logging.getLogger(__name__)


class OpenRun(LinkedOperator):
    """Checks the params and opens the MLflow run."""

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
            config = load_config(self.config, config_path(dag_id), params_of(context))
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
