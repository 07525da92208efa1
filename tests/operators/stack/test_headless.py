"""The folders of headless runs; whole runs are tested in tests/integration/test_headless.py."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from operators.stack import headless
from tasks.core.errors import ConfigError
from tests.support.kernel.fake_ray import fake_ray


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


@pytest.mark.parametrize(
    ("conf", "says"), [("{captures", "--conf is not JSON"), ("[1]", "expected a JSON object")]
)
def test_settings_that_are_no_object_are_refused(
    conf: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        headless.main(["restitch", "--conf", conf])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pipeline", "conf", "says"),
    [
        ("search_cells", {"budget": 0}, r"budget: .*greater than or equal to 1, got 0"),
        ("restitch", {"capturse": "x"}, "unknown setting 'capturse'.*did you mean 'captures'"),
        ("restitch", {}, "needs a value for captures"),
        ("restich", {}, "no pipeline 'restich', there are: .*restitch"),
    ],
)
def test_a_bad_value_is_refused_before_anything_starts(
    pipeline: str, conf: dict, says: str, folder: Path
) -> None:
    with pytest.raises(ConfigError, match=says):
        headless.run_headless(pipeline, conf)
    assert not folder.exists()


def test_every_pipeline_names_its_settings_so_that_they_can_be_checked() -> None:
    for file in (headless.ROOT / "dags").glob("[!_]*.py"):
        with pytest.raises(ConfigError, match="unknown setting 'no_such'"):
            headless.check_settings(file, {"no_such": 1})


def test_checking_settings_loads_no_framework() -> None:
    code = (
        "import sys\nfrom operators.stack import headless\n"
        "headless.check_settings(headless.ROOT / 'dags/search_cells.py', {})\n"
        "heavy = {'airflow', 'ray', 'mlflow', 'torch', 'cv2', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=headless.ROOT)


def test_what_killed_runs_left_on_a_shared_cluster_is_stopped_and_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret")
    monkeypatch.setattr(headless.services, "ray_token", lambda: tmp_path / "token")
    me = psutil.Process()
    left = leave(folder, "20260101-000000-killed", [2**22 + 1, 0.0])
    alive = leave(folder, "20260101-000001-alive", [me.pid, me.create_time()])
    (folder / "20260101-000002-ended").mkdir()
    with fake_ray() as ray:
        stacks = ["killed", "alive", "ended"]
        names = [next(p.name for p in folder.iterdir() if p.name.endswith(s)) for s in stacks]
        for stack in [*names, "stack-1234", "", "../outside"]:
            ray.add(f"job-{len(ray.jobs)}", metadata={"stack": stack})
        asyncio.run(headless._stop_jobs(ray.address))
        assert [job["status"] for job in ray.jobs.values()] == ["STOPPED", *["RUNNING"] * 5]
        asyncio.run(headless._stop_jobs(ray.address, alive.name))
        assert ray.jobs["job-1"]["status"] == "STOPPED"
        assert ray.jobs["job-2"]["status"] == "RUNNING"
    for each in (left, alive):
        (each / "ray").readlink().rmdir()
