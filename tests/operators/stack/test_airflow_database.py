"""Airflow's database: a copy where there is none, a migration where it is of another version."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path
from typing import Any

import pytest

from operators.stack import airflow_database
from operators.stack.airflow_database import bring_up_to_date
from tasks.core.errors import ResourceError

VERSION = importlib.metadata.version("apache-airflow")


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
    monkeypatch.setattr(airflow_database, "STATE", tmp_path / "state")
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
