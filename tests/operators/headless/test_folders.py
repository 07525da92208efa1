"""The folders of headless runs, and the spare processes that wait in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from operators.headless import folders
from operators.processes import marked


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(folders, "KEPT", tmp_path / "kept")
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
    with folders.run_folder() as (mine, _):
        assert folders.is_owned(mine)
        (mine / "airflow.log").write_text("its log")
        (mine / "airflow.db").write_text("bulk")
    assert [each.name for each in mine.iterdir()] == ["airflow.log"]


def test_what_a_killed_run_left_is_cleaned_by_the_next(folder: Path) -> None:
    killed = leave(folder, "20260101-000000-a", [2**22 + 1, 0.0])
    ray = (killed / "ray").readlink()
    me = psutil.Process()
    alive = leave(folder, "20260101-000001-b", [me.pid, me.create_time()])
    with folders.run_folder():
        assert not ray.exists()
        assert sorted(each.name for each in killed.iterdir()) == ["airflow.log", "owner.json"]
        assert (alive / "airflow.db").exists()
    (alive / "ray").readlink().rmdir()


def test_a_process_id_that_was_given_again_is_no_owner(folder: Path) -> None:
    left = leave(folder, "20260101-000000-a", [os.getpid(), 1.0])
    assert not folders.is_owned(left)
    (left / "ray").readlink().rmdir()


def test_a_process_that_ended_owns_nothing_even_if_nobody_collects_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        folders.own(tmp_path, psutil.Process(process.pid))
        assert folders.is_owned(tmp_path)
        process.kill()
        assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not folders.is_owned(tmp_path)


def test_a_run_takes_the_spare_process_that_fits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = psutil.Process()
    folder.mkdir()
    spare = folders.new_folder(psutil.Process(me.ppid()))
    monkeypatch.setattr(folders, "take", lambda fitting: (spare, me) if fitting == "x" else None)
    with folders.run_folder("x") as (mine, child):
        assert (mine, child) == (spare, me)
        assert json.loads((mine / "owner.json").read_text()) == [me.pid, me.create_time()]
    with folders.run_folder("y") as (mine, child):
        assert (mine.exists(), mine == spare, child) == (True, False, None)


def test_only_the_newest_logs_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "NUM_RUNS_KEPT", 2)
    for second in range(4):
        (folder / f"20260101-00000{second}-x").mkdir(parents=True)
    with folders.run_folder() as (mine, _):
        kept = sorted(each.name for each in folder.iterdir() if each != mine)
    assert kept == ["20260101-000002-x", "20260101-000003-x"]


@pytest.fixture
def spare(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that a run left to the next, in a folder of its own."""
    folders.KEPT.mkdir()
    mine = folder.parent / f"run-{folder.parent.name}"
    mine.mkdir()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = marked.start(command, mark=mine.name, env={}, log=mine / "log", folder=mine)
    folders.offer(mine, psutil.Process(process.pid), "same")
    yield process
    process.kill()
    process.wait()


def test_a_spare_process_is_taken_once(spare: subprocess.Popen[bytes], folder: Path) -> None:
    taken = folders.take("same")
    assert taken == (folder.parent / f"run-{folder.parent.name}", psutil.Process(spare.pid))
    assert folders.take("same") is None
    assert spare.poll() is None


def test_a_spare_process_that_does_not_fit_is_ended(
    spare: subprocess.Popen[bytes], folder: Path
) -> None:
    assert folders.take("other") is None
    assert spare.wait(10.0) != 0
    assert [each.name for each in folder.parent.iterdir()] == ["kept"]


def test_a_spare_process_that_was_killed_is_not_taken(spare: subprocess.Popen[bytes]) -> None:
    spare.kill()
    spare.wait()
    assert folders.take("same") is None
