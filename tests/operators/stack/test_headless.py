"""The folders of headless runs; whole runs are tested in tests/integration/test_headless.py."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import psutil
import pytest

from operators.stack import headless


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(headless, "FOLDER", tmp_path / "runs")
    return tmp_path / "runs"


def leave(folder: Path, name: str, owner: object) -> Path:
    """What a run that was killed leaves behind."""
    left = folder / name
    left.mkdir(parents=True)
    (left / "owner.json").write_text(json.dumps(owner))
    (left / "airflow.log").write_text("its log")
    (left / "airflow.db").write_text("bulk")
    (left / "ray").symlink_to(tempfile.mkdtemp(prefix="orrery-test-ray-"))
    return left


def test_a_run_keeps_its_log_and_drops_the_rest(folder: Path) -> None:
    with headless._run_folder() as mine:
        assert headless._is_owned(mine)
        (mine / "airflow.log").write_text("its log")
        (mine / "airflow.db").write_text("bulk")
    assert [each.name for each in mine.iterdir()] == ["airflow.log"]


def test_what_a_killed_run_left_is_cleaned_by_the_next(folder: Path) -> None:
    killed = leave(folder, "20260101-000000-a", [2**22 + 1, 0.0])
    ray = (killed / "ray").readlink()
    me = psutil.Process()
    alive = leave(folder, "20260101-000001-b", [me.pid, me.create_time()])
    with headless._run_folder():
        assert not ray.exists()
        assert sorted(each.name for each in killed.iterdir()) == ["airflow.log", "owner.json"]
        assert (alive / "airflow.db").exists()
    (alive / "ray").readlink().rmdir()


def test_a_process_id_that_was_given_again_is_no_owner(folder: Path) -> None:
    left = leave(folder, "20260101-000000-a", [os.getpid(), 1.0])
    assert not headless._is_owned(left)
    (left / "ray").readlink().rmdir()


def test_only_the_newest_logs_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "NUM_RUNS_KEPT", 2)
    for second in range(4):
        (folder / f"20260101-00000{second}-x").mkdir(parents=True)
    with headless._run_folder() as mine:
        kept = sorted(each.name for each in folder.iterdir() if each != mine)
    assert kept == ["20260101-000002-x", "20260101-000003-x"]


def test_settings_that_are_no_json_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        headless.main(["restitch", "--conf", "{captures"])
    assert "--conf is not JSON" in capsys.readouterr().err
