"""Buttons on a task's page, and lines at the top of its log, that lead to MLflow and Ray."""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink

from operators.installation import RAY_URL, load_profile, profile_name

logger = logging.getLogger(__name__)


class MlflowLink(BaseOperatorLink):
    """Button to the pipeline's run in MLflow."""

    name = "MLflow"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """Return the address that the task noted."""
        return str(getattr(operator, "urls", {}).get(self.name, ""))


class RayLink(MlflowLink):
    """Button to the task's job in Ray's dashboard, or to the list of jobs."""

    name = "Ray"


class LinkedOperator(BaseOperator):
    """A task whose page leads to MLflow and Ray."""

    operator_extra_links = (MlflowLink(), RayLink())

    def __init__(self, **kwargs: Any) -> None:
        """Declare the task; takes what every Airflow operator takes."""
        super().__init__(**kwargs)
        self.urls: dict[str, str] = {}

    def link(self, mlflow_url: str, job_id: str = "") -> None:
        """Note where the buttons lead: to the task's job, or, where it runs none, to all jobs."""
        ray_url = os.environ.get(RAY_URL) or load_profile(profile_name()).ray_api
        page = f"{ray_url}/#/jobs/{job_id}".rstrip("/")
        self.urls = {MlflowLink.name: mlflow_url, RayLink.name: page}

    def say_links(self, task: str) -> None:
        """Log where the buttons lead, for who reads only the log."""
        for name, url in self.urls.items():  # a line each: the addresses are long
            if url:
                logger.info("%s: %s %s", task, name, url)
