"""The servers' databases: PostgreSQL where DATABASE_URL names one, SQLite files otherwise.

One URL serves both: Airflow's tables lie in the database that it names, MLflow's in a schema of
their own there. It goes to the servers by their environment alone and is told without password.
A new SQLite file of Airflow is a copy of an empty one, which is made once per version.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from operators.installation import ROOT
from operators.stack.state import STATE
from operators.tries import DATABASE_CONNECT_S, SQLITE_WAIT_S
from tasks.core.errors import ConfigError, ResourceError

DATABASE_URL = "DATABASE_URL"
AIRFLOW_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
MLFLOW_DATABASE = "MLFLOW_BACKEND_STORE_URI"
MLFLOW_SCHEMA = "mlflow"


def sqlite_url(file: Path) -> str:
    """URL of a SQLite file whose writers wait for each other."""
    return f"sqlite:///{file}?timeout={SQLITE_WAIT_S}"


def postgres() -> URL | None:
    """What DATABASE_URL names; None if it is not set.

    Raises:
        ConfigError: It names no database of PostgreSQL.
    """
    given = os.environ.get(DATABASE_URL, "")
    if not given:
        return None
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = URL.create("none")  # what was given may hold a password, so it is not repeated
    is_known = url.get_backend_name() in ("postgresql", "postgres") and url.database
    if not is_known or "@" in (url.host or ""):  # half of a password would count as the host
        raise ConfigError(
            f"{DATABASE_URL}: expected postgresql://user:password@host:port/database, @ in a "
            "password as %40; unset it to keep the records in SQLite files"
        )
    return url.set(drivername="postgresql+psycopg2")


def airflow_env(home: Path) -> dict[str, str]:
    """Environment that gives Airflow's servers their database: PostgreSQL, or a file in a home.

    Without the plugin that comes with it, SQLite does not bear two triggers at once.
    """
    url = postgres()
    if url is None:
        return {
            AIRFLOW_DATABASE: sqlite_url(home / "airflow.db"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "operators/schedule/airflow_plugins"),
        }
    # Of the parameters both drivers know only this, by two names; PG… variables serve both, too.
    ssl = {"ssl": url.query["sslmode"]} if "sslmode" in url.query else {}
    asynchronous = url.set(drivername="postgresql+asyncpg", query=ssl)
    return {AIRFLOW_DATABASE: _spelt(url), f"{AIRFLOW_DATABASE}_ASYNC": _spelt(asynchronous)}


def mlflow_env() -> dict[str, str]:
    """Environment that gives MLflow its database."""
    url = postgres()
    if url is None:
        return {MLFLOW_DATABASE: sqlite_url(STATE / "mlflow" / "mlflow.db")}
    query = {"options": f"-csearch_path={MLFLOW_SCHEMA}"}
    return {MLFLOW_DATABASE: _spelt(url.update_query_dict(query))}


def told() -> str:
    """Which databases are used, for people: without user and password."""
    url = postgres()
    if url is None:
        return f"SQLite files in {STATE}"
    return f"PostgreSQL {url.host or 'here'}:{url.port or 5432}/{url.database}"


def make_room_for_mlflow() -> None:
    """Make MLflow's schema in PostgreSQL, if that is used and has none.

    Raises:
        ResourceError: PostgreSQL is away, or refuses.
    """
    url = postgres()
    if url is None:
        return
    limits = {"connect_timeout": DATABASE_CONNECT_S}
    engine = create_engine(url, poolclass=NullPool, connect_args=limits)
    try:
        with engine.begin() as connection:
            if MLFLOW_SCHEMA not in inspect(connection).get_schema_names():
                connection.execute(CreateSchema(MLFLOW_SCHEMA))
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).strip()
        raise ResourceError(
            f"{told()} can't be used: {why}; start it, mend {DATABASE_URL}, or unset it to keep "
            "the records in SQLite files"
        ) from error


def bring_up_to_date(home: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Give Airflow's processes a database of the installed version.

    Args:
        home: AIRFLOW_HOME. A new SQLite file in it is a copy of an empty database; an older one,
            and whatever PostgreSQL holds, is migrated.
        env: Environment of Airflow's processes, which names the database.
        say: Receives a line where a migration, which takes some seconds, is needed.

    Raises:
        ResourceError: The migration fails; the message has its last lines.
    """
    version, known = importlib.metadata.version("apache-airflow"), home / "version"
    home.mkdir(parents=True, exist_ok=True)
    if env.get(AIRFLOW_DATABASE, "").startswith("postgresql"):
        say("bringing Airflow's database up to date")
        airflow_db("migrate", env={**env, "AIRFLOW_HOME": str(home)})
        return
    if not (home / "airflow.db").exists():
        shutil.copyfile(_empty_database(version, env, say), home / "airflow.db")
    elif not known.exists() or known.read_text() != version:
        say("migrating Airflow's database")
        airflow_db("migrate", env=_in_folder(home, env))
    known.write_text(version)


def airflow_db(command: str, *options: str, env: Mapping[str, str]) -> None:
    """Run ``airflow db <command>``.

    Raises:
        ResourceError: It fails; the message has its last lines.
    """
    words = [sys.executable, "-m", "airflow", "db", command, *options]
    done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stdout + done.stderr)[-2000:]
        raise ResourceError(f"`airflow db {command}` failed:\n{told}")


def _empty_database(version: str, env: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """An empty database of a version, which later calls and runs copy."""
    cached = STATE / f"airflow-{version}.db"
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "airflow-database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cached.exists():
            say("making Airflow's database, which later runs copy")
            with tempfile.TemporaryDirectory(dir=STATE) as folder:
                airflow_db("migrate", env=_in_folder(Path(folder), env))
                Path(folder, "airflow.db").replace(cached)
    return cached


def _in_folder(home: Path, env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "AIRFLOW_HOME": str(home), AIRFLOW_DATABASE: sqlite_url(home / "airflow.db")}


def _spelt(url: URL) -> str:
    """A URL with its password, for an environment only."""
    return url.render_as_string(hide_password=False)
