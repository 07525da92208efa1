"""Which models a run registered; `test_model_registry` registers real ones."""

from __future__ import annotations

import json
import uuid

import pytest

from operators.record.mlflow_api import REGISTERED_TAG
from operators.record.mlflow_tracker import MlflowTracker, open_run
from operators.record.registrations import registered_below

pytestmark = [pytest.mark.integration]


def told(version: int) -> str:
    return json.dumps({"version": version, "is_champion": version > 1})


def test_runs_of_the_stage_below_the_dag_run_say_it_and_no_others(uri: str) -> None:
    tags = {"airflow.dag_id": "sample", "airflow.run_id": str(uuid.uuid4())}
    parent, key = open_run(uri, "sample", "run", tags), uuid.uuid4().hex
    other = open_run(uri, "sample", "run", tags | {"airflow.run_id": str(uuid.uuid4())})
    for place, each, version in (
        (parent, key, 1),
        (parent, key, 2),
        (parent, "o", 7),
        (other, key, 8),
    ):
        tracker = MlflowTracker.start(uri, place.run_id, "sample.register", {"key": each})
        tracker.set_tags({f"{REGISTERED_TAG}cells": told(version), "model": "cells"})
        tracker.finish("FAILED" if version == 1 else "FINISHED")
    found = registered_below(uri, parent.run_id, key)
    assert found == [{"name": "cells", "version": 2, "is_champion": True}]
