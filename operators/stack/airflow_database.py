"""A migrated SQLite database for Airflow, made once per Airflow version and then copied."""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from operators.installation import ROOT
from operators.stack.services import STATE
from tasks.core.errors import ResourceError


def fresh_database(home: Path, env: Mapping[str, str]) -> bool:
    """Put an empty, migrated database into an AIRFLOW_HOME that has none.

    Args:
        home: AIRFLOW_HOME.
        env: Environment of Airflow's processes.

    Returns:
        Whether one had to be migrated, which takes some seconds.

    Raises:
        ResourceError: The migration fails; the message has its last lines.
    """
    if (home / "airflow.db").exists():
        return False
    home.mkdir(parents=True, exist_ok=True)
    cached, is_new = _empty_database(env)
    shutil.copyfile(cached, home / "airflow.db")
    return is_new


def _empty_database(env: Mapping[str, str]) -> tuple[Path, bool]:
    version = importlib.metadata.version("apache-airflow")
    cached = STATE / f"airflow-{version}.db"
    STATE.mkdir(exist_ok=True)
    with (STATE / "airflow-database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_new = not cached.exists()
        if is_new:
            with tempfile.TemporaryDirectory(dir=STATE) as folder:
                _migrate(Path(folder), env).replace(cached)
    return cached, is_new


def _migrate(home: Path, env: Mapping[str, str]) -> Path:
    path = home / "airflow.db"
    own = {"AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{path}"}
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(
        command, env={**env, **own}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ResourceError(f"`airflow db migrate` failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return path
