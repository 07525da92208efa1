"""Becoming a server: with its own secrets, after the orphans have ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest

from operators.installation import MARK, ROOT

SECRETS = {
    "DATABASE_URL": "a",
    "MLFLOW_BACKEND_STORE_URI": "b",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "c",
    "AIRFLOW__API_AUTH__JWT_SECRET": "d",
    "PGPASSWORD": "e",
}
TELL = f"import json, os; print(json.dumps([n for n in {sorted(SECRETS)} if n in os.environ]))"


@pytest.mark.parametrize(
    ("server", "given"),
    [
        ("ray", []),
        ("mlflow", ["MLFLOW_BACKEND_STORE_URI", "PGPASSWORD"]),
        (
            "airflow-scheduler",
            ["AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "PGPASSWORD"],
        ),
    ],
)
def test_a_server_gets_its_own_secrets_alone(server: str, given: list[str]) -> None:
    env = {**os.environ, **SECRETS, MARK: f"{uuid.uuid4()}/{server}"}
    command = [sys.executable, "-m", "operators.processes.alone", sys.executable, "-c", TELL]
    told = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, check=True)
    assert json.loads(told.stdout) == given
