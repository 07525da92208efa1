"""Airflow's SQLite database, at the installed version: made once per version, then copied."""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from operators.installation import ROOT
from operators.stack.services import STATE
from tasks.core.errors import ResourceError


def bring_up_to_date(home: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Give an AIRFLOW_HOME a database of the installed version.

    A new one is a copy of an empty database; an older one is migrated.

    Args:
        home: AIRFLOW_HOME.
        env: Environment of Airflow's processes.
        say: Receives a line where a migration, which takes some seconds, is needed.

    Raises:
        ResourceError: The migration fails; the message has its last lines.
    """
    version, known = importlib.metadata.version("apache-airflow"), home / "version"
    if not (home / "airflow.db").exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_empty_database(version, env, say), home / "airflow.db")
    elif not known.exists() or known.read_text() != version:
        say("migrating Airflow's database")
        _migrate(home, env)
    known.write_text(version)


def _empty_database(version: str, env: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """An empty database of a version, which later calls and runs copy."""
    cached = STATE / f"airflow-{version}.db"
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "airflow-database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cached.exists():
            say("making Airflow's database, which later runs copy")
            with tempfile.TemporaryDirectory(dir=STATE) as folder:
                _migrate(Path(folder), env)
                Path(folder, "airflow.db").replace(cached)
    return cached


def _migrate(home: Path, env: Mapping[str, str]) -> None:
    url = f"sqlite:///{home}/airflow.db"
    own = {"AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(
        command, env={**env, **own}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ResourceError(f"`airflow db migrate` failed:\n{(done.stdout + done.stderr)[-2000:]}")
