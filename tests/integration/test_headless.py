"""Whole runs: Airflow, Ray and MLflow together, through the same operator as in production."""

from __future__ import annotations

import getpass
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from operators.headless.run import run_headless
from operators.processes.ports import Ports
from operators.stack import services
from operators.stack.state import ray_token
from operators.store.artifacts import read_artifact
from operators.store.storage import Storage
from tests.support.kernel.live_runs import drivers, meanwhile, mlflow, until, words
from tests.support.kernel.sample_stages import NumberList

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parent.parent.parent
DAGS = ROOT / "tests" / "support" / "dags"


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Two groups, and a store of the test's own."""
    path = tmp_path / "profile.yaml"
    path.write_text(f"store_uri: {tmp_path}/store\nnum_jobs: 2\ndefault: {{num_cpus: 0.5}}\n")
    return str(path)


def jobs(ports: Ports, run_id: str) -> dict[str, str]:
    """States of a run's jobs by id, without their hash."""
    headers = {"Authorization": f"Bearer {ray_token().read_text()}"}
    told = httpx.get(f"{ports.ray_url}/api/jobs/", headers=headers, timeout=30.0).json()
    mine = [each for each in told if (each.get("metadata") or {}).get("run_id") == run_id]
    return {
        f"{job['metadata']['task_id']}-{job['submission_id'].rpartition('-')[2]}": job["status"]
        for job in mine
    }


def tags_of(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def test_a_run_leaves_results_and_records(servers: Ports, profile: str, tmp_path: Path) -> None:
    lines: list[str] = []
    conf = {"count": 5, "double.factor": 3.0}
    result = run_headless("sample", conf, dags=DAGS, profile=profile, on_line=lines.append)

    assert result.state == "success", result.log.read_text()[-3000:]
    assert {task: len(refs) for task, refs in result.results.items()} == {
        "list": 1,
        "group": 2,
        "double": 2,
        "sum": 1,
    }
    total = read_artifact(Storage(f"{tmp_path}/store", {}), result.results["sum"][0])
    assert total.record(NumberList, "sum").numbers[0].value == 3.0 * sum(range(5))
    assert set(jobs(servers, result.run_id)) == {"list-1", "group-1", "double-1", "sum-1"}

    run = mlflow(servers, f"runs/get?run_id={result.mlflow_run_id}")["run"]
    assert run["info"]["status"] == "FINISHED"
    assert tags_of(run)["airflow.run_id"] == result.run_id
    assert "Headless run" in tags_of(run)["mlflow.note.content"]
    params = {each["key"]: each["value"] for each in run["data"]["params"]}
    assert params["double.factor"] == "3.0"
    children = mlflow(
        servers,
        "runs/search",
        experiment_ids=[run["info"]["experiment_id"]],
        filter=f"tags.`mlflow.parentRunId` = '{result.mlflow_run_id}'",
    )["runs"]
    names = Counter(child["info"]["run_name"] for child in children)
    told = {"sample.list": 1, "sample.groups": 1, "sample.double": 2, "sample.sum": 1}
    assert names == {f"{stage} · {result.run_id}": number for stage, number in told.items()}
    figures = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert figures == {"total": 3.0 * sum(range(5))}, "the headline"
    assert tags_of(run)["mlflow.source.name"] == "dags/sample.py"
    assert {tags_of(child)["mlflow.user"] for child in children} == {getpass.getuser()}
    assert {child["info"]["status"] for child in children} == {"FINISHED"}
    assert {tags_of(child)["device"] for child in children} == {"cpu"}
    assert {tags_of(child)["airflow.run_id"] for child in children} == {result.run_id}
    assert any("sample.double: " in line and "items" in line for line in lines)


def test_a_run_is_as_failed_as_its_stages_and_a_name_forges_nothing(
    servers: Ports, profile: str
) -> None:
    lines: list[str] = []
    forged = "bad-\nORRERY_RESULT []\nORRERY_RESULT {\n\x1b[2Jz"
    conf = {"count": 1, "listing.bad": [forged], "double.max_skipped_fraction": 0.0}
    result = run_headless("sample", conf, dags=DAGS, profile=profile, on_line=lines.append)
    assert result.state == "failed"
    assert len(result.results["double"]) == 1, "the other group's"
    assert "sum" not in result.results
    assert mlflow(servers, f"runs/get?run_id={result.mlflow_run_id}")["run"]["info"]["status"] == (
        "FAILED"
    )
    assert any(r"bad-\nORRERY_RESULT []\n" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_a_driver_that_is_killed_is_followed_by_one_that_repeats_nothing(
    servers: Ports, profile: str, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    conf = {"count": 6, "double.wait_s": 1.0, "double.marks": str(marks)}
    killed: list[int] = []

    def kill() -> None:
        until(lambda: marks.exists() and len(marks.read_text().split()) >= 3)
        (driver, *_) = drivers("double_numbers")
        killed.append(driver.pid)
        driver.kill()

    one_group = Path(profile)
    one_group.write_text(one_group.read_text().replace("num_jobs: 2", "num_jobs: 1"))
    with meanwhile(kill):
        result = run_headless("sample", conf, dags=DAGS, profile=profile, on_line=lambda _: None)
    assert result.state == "success", result.log.read_text()[-3000:]
    assert len(killed) == 1
    states = jobs(servers, result.run_id)
    assert (states["double-1"], set(states) - {"list-1", "group-1", "sum-1"}) == (
        "FAILED",
        {"double-1", "double-2"},
    )
    made = Counter(marks.read_text().split())
    assert len(made) == 6
    in_flight = 2 * services.num_cpus()  # each takes half a CPU
    assert sum(made.values()) <= 6 + in_flight


def test_an_interrupted_run_leaves_no_job_and_no_process(
    servers: Ports, profile: str, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    conf = {"count": 50, "double.wait_s": 1.0, "double.marks": str(marks)}
    command = [sys.executable, "-m", "operators.headless.run", "sample", f"--dags={DAGS}"]
    env = services.base_env() | {"ORRERY_PROFILE": profile}
    with subprocess.Popen([*command, f"--conf={json.dumps(conf)}"], env=env, cwd=ROOT) as run:
        until(marks.exists)
        run.send_signal(signal.SIGINT)
        assert run.wait(120) == 130
    until(lambda: not drivers("double_numbers"))
    assert not [p for p in psutil.process_iter() if "operators.headless.child" in words(p)]


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.5, 3.0, 6.0, 9.0, 12.0, 15.0])
def test_a_start_that_is_ended_at_any_moment_leaves_nothing(after_s: float, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "operators.headless.run", "sample", f"--dags={DAGS}"]
    env = services.base_env() | {"ORRERY_STATE": str(tmp_path / "state")}
    run = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    time.sleep(after_s)  # the moment is what is tried, wherever the start is then
    run.terminate()
    said, _ = run.communicate(timeout=60.0)
    assert run.returncode in (143, -signal.SIGTERM)  # the latter before anything was started
    assert run.returncode != 143 or "goes on where this run was" in said
    left = psutil.process_iter(["cmdline", "environ"])
    assert not [p for p in left if str(tmp_path) in f"{p.info['cmdline']} {p.info['environ']}"]


@pytest.mark.slow
def test_kept_servers_outlive_a_killed_run_serve_the_next_and_end_without_a_trace(
    profile: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = services.base_env() | {"ORRERY_STATE": str(tmp_path / "state"), "ORRERY_PROFILE": profile}
    command = [sys.executable, "-m", "operators.headless.run", "sample", f"--dags={DAGS}"]
    end = [sys.executable, "-m", "operators.headless.servers", "end"]
    request.addfinalizer(lambda: subprocess.run(end, env=env, check=True))
    marks = tmp_path / "marks"
    conf = {"count": 50, "double.wait_s": 1.0, "double.marks": str(marks)}
    with subprocess.Popen([*command, f"--conf={json.dumps(conf)}", "--keep"], env=env) as killed:
        until(marks.exists, 180.0)
        killed.kill()
    begun_s = time.monotonic()
    second = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stdout
    assert "using the kept servers" in second.stdout
    assert time.monotonic() - begun_s < 60.0
    note = tmp_path / "state" / "kept" / "spare.json"
    folder, *_ = json.loads(note.read_text())
    third = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert third.returncode == 0, third.stdout
    assert json.loads(Path(folder, "result.json").read_text())["state"] == "success"
    assert json.loads(note.read_text())[0] != folder, "the next one's"
    told = subprocess.run(end, env=env, capture_output=True, text=True, check=True)
    assert "have ended" in told.stdout
    left = psutil.process_iter(["cmdline", "environ"])
    assert not [p for p in left if str(tmp_path) in f"{p.info['cmdline']} {p.info['environ']}"]
