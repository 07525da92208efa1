"""Where a task's buttons lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operators.installation import PROFILE, RAY_URL
from operators.schedule.links import LinkedOperator, MlflowLink, RayLink

MLFLOW = "http://mlflow/#/experiments/1/runs/m?workflowType=machine_learning"


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profile.yaml").write_text("ray_api: http://head:8265\n")
    monkeypatch.setenv(PROFILE, str(tmp_path / "profile.yaml"))
    monkeypatch.delenv(RAY_URL, raising=False)


@pytest.mark.parametrize(
    ("job_id", "page"),
    [("a-1", "http://head:8265/#/jobs/a-1"), ("", "http://head:8265/#/jobs")],
)
def test_a_task_leads_to_its_job_or_to_the_list_of_jobs(
    job_id: str, page: str, caplog: Any
) -> None:
    caplog.set_level("INFO", "operators")
    task = LinkedOperator(task_id="match")
    assert RayLink().get_link(task, ti_key=None) == ""
    task.link(MLFLOW, job_id)
    assert RayLink().get_link(task, ti_key=None) == page
    assert MlflowLink().get_link(task, ti_key=None) == MLFLOW
    task.say_links("match")
    assert caplog.messages == [f"match: MLflow {MLFLOW}", f"match: Ray {page}"]


def test_a_browser_may_find_ray_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RAY_URL, "https://ray.example")
    task = LinkedOperator(task_id="match")
    task.link("", "a-1")
    assert RayLink().get_link(task, ti_key=None) == "https://ray.example/#/jobs/a-1"
