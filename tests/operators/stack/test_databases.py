"""The servers' databases: SQLite whose writers wait, PostgreSQL where a URL names one."""

from __future__ import annotations

import importlib.metadata
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, make_url

from operators.installation import ROOT
from operators.processes.ports import free_ports
from operators.stack import databases, services
from operators.stack.databases import (
    AIRFLOW_DATABASE,
    MLFLOW_DATABASE,
    airflow_env,
    bring_up_to_date,
    make_room_for_mlflow,
    mlflow_env,
    postgres,
    sqlite_url,
    told,
)
from tasks.core.errors import ConfigError, ResourceError
from tests.support.kernel.postgres import PASSWORD, QUOTED, Postgres

VERSION = importlib.metadata.version("apache-airflow")
LOCKED_S = 7.0  # longer than the 5 s that Python's sqlite3 waits by itself
# Writes with both of Airflow's engines at once.
WRITES = """
import asyncio, sys
from airflow import settings
from sqlalchemy import text
settings.configure_orm()
insert = text("insert into marks values (1)")
def plain():
    with settings.engine.begin() as connection:
        connection.execute(insert)
async def main():
    print("writing", flush=True)
    async with settings.async_engine.connect() as connection:
        waiting = asyncio.to_thread(plain)
        async def other():
            await connection.execute(insert)
            await connection.commit()
        await asyncio.gather(waiting, other())
asyncio.run(main())
"""


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """AIRFLOW_HOME of each migration; they write a file instead of a database."""
    homes: list[str] = []

    def run(command: list[str], env: dict[str, str], **_: Any) -> Any:
        assert command[-2:] == ["db", "migrate"]
        homes.append(env["AIRFLOW_HOME"])
        Path(env["AIRFLOW_HOME"], "airflow.db").write_text("empty")
        code = int(env.get("CODE", "0"))
        return subprocess.CompletedProcess(command, code, stdout="", stderr="it failed")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(databases, "STATE", tmp_path / "state")
    return homes


def test_a_new_home_gets_a_copy_and_only_the_first_is_migrated(
    migrated: list[str], tmp_path: Path
) -> None:
    said: list[str] = []
    for name in ("one", "two"):
        bring_up_to_date(tmp_path / name, {}, said.append)
        assert (tmp_path / name / "airflow.db").read_text() == "empty"
    assert len(migrated) == len(said) == 1
    assert str(tmp_path / "one") not in migrated


def test_an_older_database_is_migrated_in_its_place(migrated: list[str], tmp_path: Path) -> None:
    home, said = tmp_path / "home", []
    home.mkdir()
    (home / "airflow.db").write_text("old")
    (home / "version").write_text("2.0")
    bring_up_to_date(home, {}, said.append)
    assert migrated == [str(home)]
    assert (home / "version").read_text() == VERSION
    bring_up_to_date(home, {}, said.append)
    assert len(migrated) == len(said) == 1


def test_a_migration_that_fails_is_not_noted(migrated: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(ResourceError, match="it failed"):
        bring_up_to_date(home, {"CODE": "1"}, print)
    assert not (home / "version").exists()
    bring_up_to_date(home, {}, print)
    assert len(migrated) == 2


def test_both_engines_of_airflow_wait_for_a_writer_of_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "airflow.db"
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("pragma journal_mode=wal")
    holder.execute("create table marks (mark int)")
    home = {"AIRFLOW_HOME": str(tmp_path), AIRFLOW_DATABASE: sqlite_url(file)}
    command, env = [sys.executable, "-c", WRITES], services.base_env() | home
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        holder.execute("begin immediate")
        assert any(line == "writing\n" for line in writer.stdout), writer.stderr.read()
        time.sleep(LOCKED_S)
        assert writer.poll() is None
        holder.execute("commit")
        errors = writer.stderr.read()
    assert writer.returncode == 0, errors
    assert holder.execute("select count(*) from marks").fetchone() == (2,)
    holder.close()


def test_without_a_url_the_records_lie_in_files(tmp_path: Path) -> None:
    assert postgres() is None
    ours = airflow_env(tmp_path)
    assert ours[AIRFLOW_DATABASE] == f"sqlite:///{tmp_path}/airflow.db?timeout=60"
    assert Path(ours["AIRFLOW__CORE__PLUGINS_FOLDER"], "one_writer.py").is_file()
    assert mlflow_env()[MLFLOW_DATABASE].endswith("/mlflow/mlflow.db?timeout=60")
    assert told().startswith("SQLite")


def test_one_url_serves_both_and_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://me:{QUOTED}@db:7/records?sslmode=require")
    ours = airflow_env(tmp_path)
    plain = make_url(f"postgresql+psycopg2://me:{QUOTED}@db:7/records?sslmode=require")
    assert make_url(ours[AIRFLOW_DATABASE]) == plain
    other = make_url(ours[f"{AIRFLOW_DATABASE}_ASYNC"])
    assert (other.drivername, dict(other.query)) == ("postgresql+asyncpg", {"ssl": "require"})
    theirs = make_url(mlflow_env()[MLFLOW_DATABASE])
    assert dict(theirs.query) == {"sslmode": "require", "options": "-csearch_path=mlflow"}
    assert other.password == theirs.password == plain.password == PASSWORD
    assert told() == "PostgreSQL db:7/records"


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://u:pw-x@h/d", "postgresql://u:pw-x@h", "postgresql://u:pw-x@h:port/d", "pw-x"),
        "postgresql://u:half@pw-x@h/d",
    ],
)
def test_another_url_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ConfigError, match="expected postgresql://") as refused:
        postgres()
    assert "pw-x" not in str(refused.value)


def test_a_server_that_is_away_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:pw-x@127.0.0.1:{port}/records")
    with pytest.raises(ResourceError, match=rf"127.0.0.1:{port}/records can't be used") as away:
        make_room_for_mlflow()
    assert "pw-x" not in str(away.value)


def test_mlflow_gets_a_schema_of_its_own(
    monkeypatch: pytest.MonkeyPatch, postgres_server: Postgres
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.url)
    for _ in range(2):
        make_room_for_mlflow()
    engine = create_engine(mlflow_env()[MLFLOW_DATABASE])
    with engine.begin() as connection:
        connection.exec_driver_sql("create table if not exists runs (id int)")
    assert "runs" in inspect(engine).get_table_names(schema="mlflow")
    assert "runs" not in inspect(engine).get_table_names(schema="public")
    engine.dispose()


@pytest.mark.slow
def test_airflow_is_brought_up_to_date_in_postgresql(
    monkeypatch: pytest.MonkeyPatch, postgres_server: Postgres, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.url)
    env = services.base_env() | airflow_env(tmp_path)
    bring_up_to_date(tmp_path, env, print)
    engine = create_engine(env[AIRFLOW_DATABASE])
    assert "dag_run" in inspect(engine).get_table_names()
    engine.dispose()
    assert not (tmp_path / "airflow.db").exists()
