"""The full stack for real: up, runs through Airflow's API, kills of every part, down."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.judge import committed, doubled
from benchmarks.chaos.scenes import PROFILE, Scene
from benchmarks.chaos.work import NUM_ITEMS as NUM_SLOW_ITEMS
from benchmarks.chaos.work import SAMPLE, sample
from benchmarks.full_stack import FullStack
from operators.installation import ROOT
from operators.processes import marked
from operators.processes.ports import Ports
from operators.stack import services
from operators.stack import supervise as stack
from operators.stack.state import passwords
from tests.integration.test_headless import DAGS, jobs, mlflow, tags_of, until, words

# One kill belongs to the default run; the others are slow.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
slow = pytest.mark.slow

NUM_ITEMS = 8
factors = itertools.count(3.0)


def command(name: str, profile: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = services.base_env() | ({"ORRERY_PROFILE": str(profile)} if profile else {})
    line = [sys.executable, "-m", "operators.stack.supervise", name, f"--dags={DAGS}"]
    return subprocess.run(line, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    folder = tmp_path_factory.mktemp("stack")
    # The session's servers have the same state; they stay as they are.
    noted = stack.NOTE.read_text() if stack.NOTE.exists() else None
    before = with_our_state()
    profile = folder / "profile.yaml"
    profile.write_text(f"store_uri: {folder}/store\ndefault: {{num_cpus: 1.0}}\n")
    told = command("up", profile)
    try:
        assert told.returncode == 0, told.stdout + told.stderr
        running = stack.running_ports()
        assert running is not None
        yield running
    finally:
        told = command("down")
        if noted is not None:
            stack.NOTE.write_text(noted)
    assert told.returncode == 0, told.stdout + told.stderr
    assert marked.members(stack.MARK) == []
    assert noted is not None or stack.running_ports() is None
    assert with_our_state() <= before


def with_our_state() -> set[psutil.Process]:
    """Processes whose command names the folder of this session's state."""
    return {p for p in psutil.process_iter() if str(stack.STATE) in words(p)}


class Airflow:
    """Airflow's API as one user sees it."""

    def __init__(self, ports: Ports, user: str = "admin") -> None:
        password = json.loads(passwords().read_text())[user]
        self.http = httpx.Client(base_url=ports.airflow_url, timeout=60.0)
        login = self.http.post("/auth/token", json={"username": user, "password": password})
        self.http.headers["Authorization"] = f"Bearer {login.json()['access_token']}"

    def trigger(self, conf: dict[str, Any]) -> httpx.Response:
        body = {"logical_date": None, "conf": conf}
        return self.http.post("/api/v2/dags/sample/dagRuns", json=body)

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v2/dags/sample/dagRuns/{path}").raise_for_status().json()

    def tasks(self, run: str) -> dict[str, dict[str, Any]]:
        return {
            task["task_id"]: task for task in self.get(f"{run}/taskInstances")["task_instances"]
        }

    def mark(self, run: str, state: str) -> None:
        """Mark the slow stage, as a person does in the UI."""
        path = f"/api/v2/dags/sample/dagRuns/{run}/taskInstances/double/0"
        self.http.patch(path, json={"new_state": state}).raise_for_status()

    def finished(self, run: str) -> str:
        until(lambda: self.get(run)["state"] in ("success", "failed"), 240.0)
        return str(self.get(run)["state"])


@pytest.fixture
def airflow(ports: Ports) -> Iterator[Airflow]:
    client = Airflow(ports)
    until(lambda: client.http.get("/api/v2/dags/sample").is_success, 90.0)
    yield client
    client.http.close()


@pytest.fixture
def running(airflow: Airflow, tmp_path: Path) -> tuple[str, Path]:
    """A run in the midst of its slow stage, and the file that counts the items made."""
    marks = tmp_path / "marks"
    factor = next(factors)  # a result that no other run has left
    conf = {"count": NUM_ITEMS, "double.wait_s": 2.0, "double.marks": str(marks)}
    run = airflow.trigger(conf | {"double.factor": factor}).json()["dag_run_id"]
    until(lambda: marks.exists() and len(marks.read_text().split()) >= 2)
    return str(run), marks


def test_many_triggers_at_once_are_all_taken(ports: Ports, airflow: Airflow) -> None:
    airflow.http.patch("/api/v2/dags/sample", json={"is_paused": True}).raise_for_status()
    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(airflow.trigger, [{"count": 1}] * 24))
    assert [reply.status_code for reply in replies] == [httpx.codes.OK] * 24
    for reply in replies:
        run = reply.json()["dag_run_id"]
        airflow.http.delete(f"/api/v2/dags/sample/dagRuns/{run}").raise_for_status()
    airflow.http.patch("/api/v2/dags/sample", json={"is_paused": False}).raise_for_status()
    assert "no server was restarted" in command("status").stdout


def kill(is_victim: Callable[[str], bool]) -> None:
    victims = [p for p in marked.members(stack.MARK) if is_victim(words(p))]
    assert victims
    for victim in victims:
        victim.kill()


@slow
def test_a_second_up_says_so_and_status_is_well(ports: Ports) -> None:
    assert "is up already" in command("up").stdout
    told = command("status")
    assert told.returncode == 0
    assert told.stdout.count("up  ") == 4


@slow
def test_nothing_listens_beyond_the_loopback(ports: Ports) -> None:
    pids = {process.pid for process in marked.members(stack.MARK)}
    listening = [c for c in psutil.net_connections("tcp") if c.status == "LISTEN"]
    hosts = {c.laddr.ip for c in listening if c.pid in pids}
    assert hosts <= {"127.0.0.1", "::ffff:127.0.0.1"}


@slow
def test_the_api_refuses_bad_values_and_viewers(ports: Ports, airflow: Airflow) -> None:
    refused = airflow.trigger({"double.factor": 101.0})
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "double.factor" in refused.json()["detail"]
    viewer = Airflow(ports, "viewer")
    assert viewer.trigger({}).status_code == httpx.codes.FORBIDDEN
    viewer.http.close()
    pool = airflow.http.get("/api/v2/pools/default_pool").json()
    assert pool["include_deferred"]


@slow
def test_a_run_shows_its_progress_and_its_links(ports: Ports, airflow: Airflow) -> None:
    run = airflow.trigger({"count": 3, "double.factor": 0.5}).json()["dag_run_id"]
    assert airflow.finished(run) == "success"
    headers = {"Accept": "application/json"}
    path = f"/api/v2/dags/sample/dagRuns/{run}/taskInstances/double"
    log = airflow.http.get(f"{path}/logs/1", params={"map_index": 0}, headers=headers).text
    assert "sample.double: 3/3 items" in log
    links = airflow.http.get(f"{path}/links", params={"map_index": 0}).json()["extra_links"]
    assert links["MLflow"].startswith(ports.mlflow_url)
    assert links["Ray"].startswith(f"{ports.ray_url}/#/jobs/sample-")
    assert f"double[0]: MLflow {links['MLflow']}" in log
    assert f"double[0]: Ray {links['Ray']}" in log
    for task in ("open_run", "close_run"):
        path = f"/api/v2/dags/sample/dagRuns/{run}/taskInstances/{task}/links"
        more = airflow.http.get(path).json()["extra_links"]
        assert more == {"MLflow": links["MLflow"], "Ray": f"{ports.ray_url}/#/jobs"}
    events = airflow.http.get("/api/v2/assets/events").json()["asset_events"]
    assert events[-1]["extra"]["ref"]["schema_id"] == "sample.numbers/1"


@slow
def test_a_killed_triggerer_is_replaced_and_the_job_goes_on(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, marks = running
    kill(lambda line: "airflow triggerer" in line)
    assert airflow.finished(run) == "success"
    assert {name for name in jobs(ports, run) if "double" in name} == {"double-1"}
    assert Counter(marks.read_text().split()).total() == NUM_ITEMS


def test_a_killed_scheduler_costs_nothing_but_time(ports: Ports, tmp_path: Path) -> None:
    """One of the faults that `make chaos` makes; all of them take an hour."""
    stack, store = FullStack(ports), tmp_path / "store"
    stack.use_store(store, tmp_path / "profile.yaml", PROFILE)
    scene = Scene(stack, store, limit_s=240.0)
    scene.start([sample()])
    scene.wait_for_items()
    scene.make(next(fault.act for fault in FAULTS if fault.name == "scheduler"))
    (ended,) = scene.ends()
    assert (ended.state, ended.has_wrong_colour) == ("success", False), ended
    assert committed(store, SAMPLE).total() == NUM_SLOW_ITEMS
    assert doubled(store, SAMPLE) == 0
    assert {name for name in jobs(ports, ended.run_id) if "double" in name} == {"double-1"}


def test_a_run_that_is_marked_as_failed_is_failed_everywhere(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, _ = running
    path = f"/api/v2/dags/sample/dagRuns/{run}"
    airflow.http.patch(path, json={"state": "failed"}).raise_for_status()
    until(lambda: jobs(ports, run)["double-1"] == "STOPPED", 60.0)
    until(lambda: airflow.tasks(run)["close_run"]["state"] in ("success", "failed"), 120.0)
    assert airflow.finished(run) == "failed"
    search = {"experiment_ids": experiments(ports), "filter": f"tags.`airflow.run_id` = '{run}'"}
    found = mlflow(ports, "runs/search", **search)["runs"]
    (parent,) = (each for each in found if tags_of(each).get("orrery.role") == "pipeline")
    assert parent["info"]["status"] == "FAILED"
    assert {each["info"]["status"] for each in found} <= {"FAILED", "KILLED", "FINISHED"}


def experiments(ports: Ports) -> list[str]:
    found = mlflow(ports, "experiments/search", max_results=100)["experiments"]
    return [each["experiment_id"] for each in found]


@slow
def test_a_killed_driver_is_followed_by_another(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, _ = running
    kill(lambda line: "double_numbers" in line and line.startswith(sys.executable))
    assert airflow.finished(run) == "success"
    states = jobs(ports, run)
    assert (states["double-1"], states["double-2"]) == ("FAILED", "SUCCEEDED")
    assert airflow.tasks(run)["double"]["try_number"] == 2


@slow
def test_a_task_that_is_marked_as_failed_stops_its_job(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, _ = running
    airflow.mark(run, "failed")
    until(lambda: jobs(ports, run)["double-1"] == "STOPPED", 60.0)
    assert airflow.finished(run) == "failed"


@slow
def test_a_task_that_is_marked_as_succeeded_makes_no_green_run(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, _ = running
    airflow.mark(run, "success")
    assert airflow.finished(run) == "failed"
    assert airflow.tasks(run)["sum"]["state"] == "failed", "it would have summed what was there"


@slow
def test_a_task_that_is_cleared_stops_its_job_and_runs_again(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, marks = running
    body = {"dry_run": False, "dag_run_id": run, "task_ids": ["double"], "only_failed": False}
    airflow.http.post("/api/v2/dags/sample/clearTaskInstances", json=body).raise_for_status()
    until(lambda: jobs(ports, run)["double-1"] == "STOPPED", 60.0)
    assert airflow.finished(run) == "success"
    assert jobs(ports, run)["double-2"] == "SUCCEEDED"
    assert len(set(marks.read_text().split())) == NUM_ITEMS


@slow
def test_a_ray_node_that_dies_costs_only_what_was_in_flight(
    ports: Ports, airflow: Airflow, running: tuple[str, Path]
) -> None:
    run, marks = running
    kill(lambda line: os.path.basename(line.split()[0]) == "raylet")  # noqa: PTH119
    assert airflow.finished(run) == "success"
    made = Counter(marks.read_text().split())
    assert len(made) == NUM_ITEMS
    assert made.total() <= NUM_ITEMS + services.num_cpus()
