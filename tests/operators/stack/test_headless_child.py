"""The Airflow side of a headless run: what it refuses before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from operators.stack.headless_child import _check

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
