"""The folder of databases, logs and secrets: closed to all but its owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.stack import state


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(state, "STATE", tmp_path / "deep" / "state")
    return tmp_path / "deep" / "state"


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_folder_that_was_open_is_closed_and_so_are_its_secrets(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "ray_token").write_text("old")
    (folder / "ray_token").chmod(0o644)
    assert state.ray_token().read_text() == "old"
    assert rights(folder) == 0o700
    assert rights(state.ray_token()) == 0o600


def test_secrets_are_made_once_for_their_owner(folder: Path) -> None:
    for secret in (state.ray_token, state.passwords):
        first = secret().read_text()
        assert rights(secret()) == 0o600
        assert secret().read_text() == first
    assert state.airflow_keys() == state.airflow_keys()
    assert set(state.airflow_keys()) == {"fernet", "api", "jwt"}
    assert rights(folder) == 0o700
    assert rights(folder / "secrets.json") == 0o600
