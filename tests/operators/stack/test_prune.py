"""`make prune`: the store, what nobody uses on this machine, and old records where asked."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operators.processes.ports import Ports
from operators.stack import prune as command
from operators.stack.prune import main
from tasks.core.errors import ResourceError

PORTS = Ports(8080, 5000, 8265, tuple(range(26000, 26008)))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What else than the store is asked to make room."""
    calls: list[tuple[str, object]] = []

    def clear(older_than: timedelta, _say: object, *, dry_run: bool) -> None:
        calls.append(("clear", (older_than.days, dry_run)))

    def remove(before: datetime, *, dry_run: bool) -> None:
        calls.append(("records", (round((datetime.now(UTC) - before).days), dry_run)))

    monkeypatch.setattr(command, "clear", clear)
    monkeypatch.setattr(command, "remove_old_records", remove)
    return calls


def profile(folder: Path, keep: str) -> str:
    path = folder / "own.yaml"
    path.write_text(f"store_uri: {folder}/store\nkeep: {keep}\n")
    return str(path)


def rubbish(folder: Path) -> Path:
    path = folder / "store" / ".training" / "key"
    path.mkdir(parents=True)
    return path


def test_the_profile_says_for_how_long(tmp_path: Path, asked: list[object]) -> None:
    young = rubbish(tmp_path)
    assert main([f"--profile={profile(tmp_path, '{days: 7.0}')}", "--dry-run"]) == 0
    assert main([f"--profile={profile(tmp_path, '{days: 0.0, runs_days: 9.0}')}"]) == 0
    assert asked == [("clear", (7, True)), ("clear", (0, False)), ("records", (9, False))]
    assert not young.exists()


def test_another_store_is_pruned_alone(tmp_path: Path, asked: list[object]) -> None:
    young = rubbish(tmp_path)
    arguments = ["--profile=serial", f"--store={tmp_path}/store", "--days=0"]
    assert main([*arguments, "--dry-run"]) == 0
    assert young.exists()
    assert main(arguments) == 0
    assert not young.exists()
    assert asked == []


def test_a_wrong_profile_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert main(["--profile=none-such"]) == 1
    assert "none-such" in caplog.text


def test_records_stay_while_the_stack_is_down_or_keeps_them_elsewhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(command, "running_ports", lambda: None)
    command.remove_old_records(datetime.now(UTC), dry_run=False)
    assert "the stack is down" in caplog.text
    monkeypatch.setattr(command, "running_ports", lambda: PORTS)
    monkeypatch.setattr(command, "noted_database", lambda: "PostgreSQL db:5432/records")
    with pytest.raises(ResourceError, match="set DATABASE_URL as it was"):
        command.remove_old_records(datetime.now(UTC), dry_run=False)
