"""The full stack as a benchmark uses it: Airflow's API, MLflow's runs, the servers' processes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import httpx
import psutil
import yaml
from supervisor.xmlrpc import SupervisorTransport

from operators.installation import STATE_FOLDER
from operators.processes import marked
from operators.processes.ports import Ports
from operators.stack import services, supervise
from operators.stack.state import STATE
from tasks.core.errors import OrreryError

ENDED = ("success", "failed")
_POLL_S = 0.5
_CALL_TIMEOUT_S = 60.0
_HEALTHY_LIMIT_S = 300.0


def with_own_state(state: Path) -> None:
    """Begin this command again with a state folder of its own, so that no other stack is touched.

    Args:
        state: The folder.
    """
    if os.environ.get(STATE_FOLDER) != str(state):
        env = os.environ | {STATE_FOLDER: str(state)}
        os.execve(sys.executable, sys.orig_argv, env)  # noqa: S606  (this very command)


def dags_folder(files: Sequence[Path], folder: Path) -> Path:
    """Gather DAG files in one folder; Airflow finds each by its name there."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).write_text(file.read_text())
    return folder


class FullStack:
    """A running full stack, asked with patience: what can't be reached is asked again."""

    def __init__(self, ports: Ports) -> None:
        """Speak to the servers of some ports; `up` starts them."""
        self.ports = ports
        self._token = ""

    @classmethod
    def up(cls, dags: Path, wanted: Sequence[str]) -> FullStack:
        """Start the stack of this process's state, and wait until Airflow knows its DAGs.

        Args:
            dags: Folder of the DAG files.
            wanted: Names of the DAGs.
        """
        supervise.WISHED_PORTS = {}  # the usual ones may be those of a person's own stack
        try:
            supervise.up(dags)
            ports = supervise.running_ports()
            if ports is None:
                raise OrreryError("its MLflow or Ray does not answer")  # noqa: TRY301
            stack = cls(ports)
            until(lambda: all(stack.knows(name) for name in wanted), _HEALTHY_LIMIT_S, "the DAGs")
        except BaseException:
            supervise.down()
            raise
        return stack

    def down(self) -> None:
        """End it."""
        supervise.down()

    def knows(self, dag_id: str) -> bool:
        """Whether Airflow has read a DAG."""
        return self.airflow("GET", f"/dags/{dag_id}").is_success

    def is_healthy(self) -> bool:
        """Whether all servers answer."""
        ports = self.ports
        return (
            services.ray_is_up(ports)
            and services.mlflow_is_up(ports)
            and services.airflow_is_up(ports)
        )

    def wait_until_healthy(self) -> None:
        """Wait until all servers answer.

        Raises:
            OrreryError: One does not.
        """
        until(self.is_healthy, _HEALTHY_LIMIT_S, "all servers")

    def use_store(self, store: Path, path: Path, profile: Mapping[str, Any]) -> None:
        """Let tasks that start from now on keep their results elsewhere.

        Args:
            store: The store.
            path: File to write their profile to.
            profile: What else it says.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({**profile, "store_uri": str(store)}))
        services.write_profile(STATE / "stack-profile.yaml", str(path), self.ports)

    def airflow(self, method: str, path: str, **json_body: Any) -> httpx.Response:
        """Call Airflow's API; one call, which may fail."""
        with httpx.Client(
            base_url=self.ports.airflow_url, timeout=_CALL_TIMEOUT_S, trust_env=False
        ) as client:
            if not self._token:
                password = json.loads((STATE / "airflow_passwords.json").read_text())["admin"]
                body = {"username": "admin", "password": password}
                told = client.post("/auth/token", json=body).raise_for_status()
                self._token = told.json()["access_token"]
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
            return client.request(method, f"/api/v2{path}", headers=headers, json=json_body or None)

    def told(self, path: str, limit_s: float = _HEALTHY_LIMIT_S) -> Any:
        """What Airflow's API answers, asked again while it is away."""
        answer: list[Any] = []

        def ask() -> bool:
            reply = self.airflow("GET", path)
            if reply.is_success:
                answer.append(reply.json())
            return reply.is_success

        until(ask, limit_s, path)
        return answer[0]

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run, as often as it takes; returns its id."""
        body = {"logical_date": None, "conf": dict(conf)}
        started: list[str] = []

        def start() -> bool:
            reply = self.airflow("POST", f"/dags/{dag_id}/dagRuns", **body)
            if reply.status_code == httpx.codes.BAD_REQUEST:
                raise OrreryError(f"{dag_id} refuses {conf}: {reply.text}")
            if reply.is_success:
                started.append(str(reply.json()["dag_run_id"]))
            return reply.is_success

        until(start, _HEALTHY_LIMIT_S, f"a run of {dag_id}")
        return started[0]

    def state(self, dag_id: str, run_id: str) -> str:
        """State of a run; empty while Airflow does not answer."""
        try:
            reply = self.airflow("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        except httpx.HTTPError:
            return ""
        return str(reply.json()["state"]) if reply.is_success else ""

    def wait(self, dag_id: str, run_id: str, limit_s: float) -> str:
        """Wait for a run's end; returns its state, ``running`` if it did not end in time."""
        try:
            until(lambda: self.state(dag_id, run_id) in ENDED, limit_s, run_id)
        except OrreryError:
            return "running"
        return self.state(dag_id, run_id)

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Tasks of a run, each call of a mapped one."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=200"
        return list(self.told(path)["task_instances"])

    def results(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> list[dict[str, str]]:
        """References that a task returned; none if it returned nothing."""
        path = (
            f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}"
            f"/xcomEntries/return_value?map_index={task['map_index']}&stringify=false"
        )
        reply = self.airflow("GET", path)
        if not reply.is_success:
            return []
        value = reply.json()["value"]
        value = json.loads(value) if isinstance(value, str) else value
        return [value] if isinstance(value, dict) else list(value or [])

    def mlflow_status(self, dag_id: str, run_id: str) -> str:
        """How MLflow calls the run of a DAG run; empty if it has none."""
        url = f"{self.ports.mlflow_url}/api/2.0/mlflow"
        named = {"experiment_name": dag_id}
        with httpx.Client(timeout=_CALL_TIMEOUT_S, trust_env=False) as client:
            found = client.get(f"{url}/experiments/get-by-name", params=named)
            if not found.is_success:
                return ""
            search = {
                "experiment_ids": [found.json()["experiment"]["experiment_id"]],
                "filter": f"tags.`airflow.run_id` = '{run_id}' and tags.`orrery.role` = 'pipeline'",
            }
            runs = client.post(f"{url}/runs/search", json=search).raise_for_status().json()
        statuses = [str(run["info"]["status"]) for run in runs.get("runs", [])]
        return statuses[0] if statuses else ""

    def pid(self, program: str) -> int:
        """Process of one server, as the supervisor knows it."""
        sockets = Path(supervise._run_folder())
        transport = SupervisorTransport(None, None, f"unix://{sockets}/supervisor.sock")
        with ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            info: Any = proxy.supervisor.getProcessInfo(program)
        return int(info["pid"])

    def tree(self, program: str) -> list[psutil.Process]:
        """A server's process and all that descend from it."""
        first = psutil.Process(self.pid(program))
        return [first, *first.children(recursive=True)]

    def members(self) -> list[psutil.Process]:
        """All processes of the stack."""
        return marked.members(supervise.MARK)


def words(process: psutil.Process) -> str:
    """Command line of a process; empty where it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def until(is_so: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait until something is so; servers that don't answer meanwhile are asked again.

    Raises:
        OrreryError: It is not so in time.
    """
    end_s = time.monotonic() + limit_s
    while True:
        try:
            if is_so():
                return
        except (httpx.HTTPError, psutil.Error, OSError):
            pass
        if time.monotonic() > end_s:
            raise OrreryError(f"{what}: not there after {limit_s:.0f} s; logs are in {STATE}")
        time.sleep(_POLL_S)
