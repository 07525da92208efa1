"""Where a run's code came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from operators.record import source


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    source.git_tags.cache_clear()


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    told = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)
    return told.stdout.decode().strip()


def test_a_clone_names_its_commit_and_says_whether_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "ROOT", tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    commit = git(tmp_path, "rev-parse", "HEAD")
    for text, is_dirty in (("1", "false"), ("2", "true")):
        (tmp_path / "a.py").write_text(text)
        source.git_tags.cache_clear()
        assert source.git_tags() == {
            "mlflow.source.git.commit": commit,
            "mlflow.source.git.dirty": is_dirty,
        }


def test_outside_a_clone_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert source.git_tags() == {}
    monkeypatch.setenv("PATH", "")
    source.git_tags.cache_clear()
    assert source.git_tags() == {}


def test_a_run_names_its_entry_point() -> None:
    assert source.source_tags("dags/restitch.py")["mlflow.source.name"] == "dags/restitch.py"
