"""The Airflow side of a headless run: what it refuses before anything runs."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from operators.headless import child
from operators.headless.child import _check, _is_for_people
from operators.headless.folders import own

DAGS = Path(__file__).resolve().parent.parent.parent / "support" / "dags"


@pytest.fixture(scope="module")
def dag() -> Any:
    return DagBag(DAGS, safe_mode=False).dags["sample"]


def test_a_value_out_of_range_is_refused_by_its_name(dag: Any) -> None:
    with pytest.raises(ParamValidationError, match=r"double\.factor(.|\n)*maximum of 100"):
        _check(dag, {"double.factor": 1000.0})


def test_good_values_and_unknown_names_are_left_to_the_first_task(dag: Any) -> None:
    _check(dag, {"double.factor": 3.0, "double.facto": 1.0})
    assert dag.params["double.factor"] == 2.0, "the DAG itself stays as it was"


@pytest.mark.parametrize(
    ("logger", "line", "is_shown"),
    [
        ("operators.schedule.links", "sample: MLflow http://m", True),
        ("operators.schedule.links", "list: MLflow http://m", False),
        ("operators.schedule.stage_trigger", "[list] a line of a library", False),
        ("operators.schedule.stage_trigger", "[list] 2026-01-01 00:00:00,1 INFO a.b: c", True),
        ("operators.schedule.stage_operator", "list: started job list-1", True),
    ],
)
def test_the_console_shows_what_is_for_people(logger: str, line: str, is_shown: bool) -> None:
    record = logging.LogRecord(logger, logging.INFO, "", 0, line, None, None)
    assert _is_for_people("sample", record) == is_shown


def test_it_ends_with_the_process_that_its_folder_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(child.os, "_exit", end)
    monkeypatch.setattr(child, "_WATCH_S", 0.02)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        own(tmp_path, psutil.Process(owner.pid))
        begun_s = time.monotonic()
        threading.Timer(0.3, owner.kill).start()
        with pytest.raises(SystemExit):
            child._end_with_owner(tmp_path)
    assert time.monotonic() - begun_s >= 0.3
