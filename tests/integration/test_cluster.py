"""The guide to a cluster, docker/README.md, followed step by step.

PostgreSQL, an S3 server, MLflow with a login, three nodes of Ray with a token, one that has other
code, and Airflow: all on the loopback interface, each started by the guide's own commands, with
other addresses.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import fsspec
import httpx
import pytest
import yaml

from operators.installation import ROOT
from operators.processes import marked
from operators.processes.ports import free_ports
from operators.stack import services
from tasks.core.errors import TransientError
from tests.support.panorama.captures import write_capture
from tests.support.s3 import serving_s3

GUIDE = (ROOT / "docker" / "README.md").read_text("utf-8")
MARK = f"cluster-{os.getpid()}"
HOST = "127.0.0.1"
USER, PASSWORD, TOKEN = "orrery", "a-word-for-the-database", "a-long-random-text-for-ray"
LOGIN = "a-word-for-mlflow"
NUM_ITEMS = 9
MAX_STARTS = 5
# The nodes of one machine, each at an own address of its loopback interface.
NODES = {f: f"127.0.0.{i}" for i, f in enumerate(("head", "second", "other", "third"), start=2)}


def steps() -> list[str]:
    """The guide's commands, one block after the other."""
    return re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_sets_what_compose_sets() -> None:
    """What keeps the containers' servers safe keeps those of a cluster safe."""
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    _, _, mlflow, head, node, airflow, _ = steps()
    theirs = compose["mlflow"]["environment"]
    ours = dict(re.findall(r"(MLFLOW_\w+)=(\S+)", mlflow))
    assert {name for name in theirs if name.startswith("MLFLOW")} == set(ours)
    for name in ("MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION"):
        assert ours[name] == theirs[name]
    assert "--app-name=basic-auth" in mlflow
    assert "--app-name=basic-auth" in compose["mlflow"]["command"]
    nodes = compose["ray"]["environment"]
    assert {name for name in nodes if name.startswith(("RAY", "MLFLOW_TRACKING"))} <= set(
        re.findall(r"(\w+)=", steps()[0])
    )
    assert "PASSWORD" not in head + node
    assert set(re.findall(r"(AIRFLOW_\w+)=", airflow)) <= set(
        compose["airflow-scheduler"]["environment"]
    )


class Machine:
    """One machine that plays all of the guide's."""

    def __init__(self, folder: Path) -> None:
        """Choose addresses, and start what the guide takes as given: PostgreSQL and S3."""
        self.folder = folder
        names = ("postgres", "mlflow", "gcs", "api", "client", "head", "second", "other", "third")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.url = f"http://{HOST}:{self.ports['api']}"
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        # Ray takes this one for a machine that can have no other nodes.
        alone = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
        self.env = {
            k: v for k, v in services.base_env().items() if k != alone and "CA_BUNDLE" not in k
        }
        self.env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.env |= {"ORRERY_CACHE": str(folder / "cache")}

    def words(self, step: str) -> str:
        """A step of the guide with this machine's addresses, paths and secrets."""
        ports = self.ports
        for theirs, ours in (
            ("/opt/orrery/configs/profiles/cluster.yaml", str(self.folder / "cluster.yaml")),
            ("/opt/orrery", str(ROOT)),
            ("/etc/orrery", str(self.folder)),
            ("/var/lib/orrery", str(self.folder)),
            ("postgres.example.org", f"{HOST}:{ports['postgres']}"),
            ("https://s3.example.org", self.s3),
            ("mlflow.example.org", f"{HOST}:{ports['mlflow']}"),
            ("ray.example.org:6379", f"{NODES['head']}:{ports['gcs']}"),
            ("--port=6379", f"--port={ports['gcs']}"),
            ("--port=5000", f"--port={ports['mlflow']}"),
            ("--dashboard-port=8265", f"--dashboard-port={ports['api']}"),
            ("0.0.0.0", HOST),  # noqa: S104
            ("MLFLOW_TRACKING_PASSWORD=...", f"MLFLOW_TRACKING_PASSWORD={LOGIN}"),
            ("AWS_ACCESS_KEY_ID=...", "AWS_ACCESS_KEY_ID=testing"),
            ("AWS_SECRET_ACCESS_KEY=...", "AWS_SECRET_ACCESS_KEY=testing"),
            ("SECRET_KEY=...", "SECRET_KEY=a-random-text"),
            ("PGPASSWORD=...", f"PGPASSWORD={PASSWORD}"),
            # all servers of this machine speak without TLS
            ("export REQUESTS_CA_BUNDLE", "# export REQUESTS_CA_BUNDLE"),
        ):
            step = step.replace(theirs, ours)
        assert "example.org" not in step
        assert "=..." not in step
        return step

    def run(self, *blocks: str) -> str:
        """Run steps in one shell; returns what they print."""
        text = "\n".join(["set -e", *map(self.words, blocks)])
        told = subprocess.run(
            ["bash", "-c", text],
            env=self.env, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, f"{text}\n{told.stdout[-5000:]}{told.stderr[-5000:]}"
        return told.stdout + told.stderr

    def serve(self, name: str, *blocks: str) -> None:
        """Start a server by steps of the guide, in a shell that it takes the place of."""
        self.commands[name] = ["bash", "-c", "\n".join(["set -e", *map(self.words, blocks)])]
        self._start(name)

    def _start(self, name: str) -> None:
        log, folder = self.folder / f"{name}.log", self.folder
        command = self.commands[name]
        server = marked.start(command, mark=MARK, env=self.env, log=log, folder=folder)
        self.servers[name] = server

    def own(self, name: str) -> str:
        """Options of a node that shares its machine with others."""
        ports = f"--dashboard-agent-listen-port={self.ports[name]} --min-worker-port=0"
        return f"--node-ip-address={NODES[name]} --num-cpus=1 {ports} --max-worker-port=0"

    def wait(self, name: str, is_so: Callable[[], bool], limit_s: float = 150.0) -> None:
        """Wait for a server, which is started again when it ends, as the guide wants it.

        Ray gives a node 30 s to start, which is little where several share two cores.
        """
        for tries_left in reversed(range(MAX_STARTS)):
            server = self.servers[name]
            try:
                marked.wait_until(name, is_so, limit_s, lambda each=server: each.poll() is None)
            except TransientError:
                if server.poll() is None or not tries_left:
                    sys.stderr.write((self.folder / f"{name}.log").read_text()[-5000:])
                    raise
                self._start(name)
            else:
                return

    def nodes(self) -> int:
        """Nodes of Ray that are alive."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        try:
            reply = httpx.get(f"{self.url}/nodes?view=summary", headers=headers, timeout=5.0)
            found = reply.json()["data"]["summary"] if reply.is_success else []
        except (httpx.HTTPError, ValueError):
            return 0
        return sum(each["raylet"].get("state") == "ALIVE" for each in found)

    def end(self) -> None:
        """End all servers."""
        marked.end(MARK)
        for server in self.servers.values():
            server.wait()

    s3 = ""


@pytest.fixture
def machine() -> Iterator[Machine]:
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("no PostgreSQL here (Debian: apt-get install postgresql)")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="orrery-c-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        made = Machine(folder)
        made.s3 = stack.enter_context(serving_s3())
        stack.enter_context(_postgres(made, binaries[-1]))
        stack.callback(made.end)
        yield made


class _postgres:  # noqa: N801
    """Debian's PostgreSQL, which does not run as root."""

    def __init__(self, machine: Machine, binaries: Path) -> None:
        self._folder, self._bin = machine.folder / "pg", binaries
        self._port = machine.ports["postgres"]
        self._own = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []

    def __enter__(self) -> None:
        self._folder.mkdir()
        (self._folder / "word").write_text(PASSWORD)
        if self._own:
            shutil.chown(self._folder, "postgres")
        options = [f"--username={USER}", f"--pwfile={self._folder}/word", "--auth=scram-sha-256"]
        self._run("initdb", *options, "--no-sync", f"--pgdata={self._folder}/data")
        listen = f"-c listen_addresses={HOST} -p {self._port} -k {self._folder} -c fsync=off"
        self._run(
            "pg_ctl", "start", f"--options={listen}", f"--log={self._folder}/log",
            f"--pgdata={self._folder}/data", "--wait",
        )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", f"--pgdata={self._folder}/data", "--wait")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._own, str(self._bin / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._folder)


def _settle(machine: Machine) -> None:
    """What the guide takes as given: token, profile, MLflow's logins; a bucket with captures."""
    folder = machine.folder
    (folder / "ray_token").touch(0o600)
    (folder / "ray_token").write_text(TOKEN)
    profile = yaml.safe_load((ROOT / "configs/profiles/cluster.yaml").read_text())
    profile |= {"tracking_uri": f"http://{HOST}:{machine.ports['mlflow']}", "ray_api": machine.url}
    profile |= {"num_jobs": 1, "stages": {}}  # its nodes have one CPU each
    profile["default"] = {"num_cpus": 1.0, "memory_gb": 1.5, "limit_s": 120.0}
    (folder / "cluster.yaml").write_text(yaml.safe_dump(profile))
    logins = (ROOT / "docker" / "mlflow_auth.ini").read_text()
    address = f"@{HOST}:{machine.ports['postgres']}/"
    (folder / "mlflow_auth.ini").write_text(logins.replace("@postgres/", address))
    client = {"key": "testing", "secret": "testing", "endpoint_url": machine.s3}
    store = fsspec.filesystem("s3", **client)
    store.mkdir("orrery")
    for name in ("first", "second"):
        write_capture(folder / "captures" / name, sphere_px=512 if name == "first" else 480)
    store.put(f"{folder}/captures", "orrery/data/captures", recursive=True)


def _other_code(folder: Path) -> Path:
    """A copy of the code that differs by an empty line."""
    code = folder / "code"
    for package in ("tasks", "operators"):
        shutil.copytree(ROOT / package, code / package)
    path = code / "tasks" / "core" / "digests.py"
    path.write_text(path.read_text() + "\n")
    return code


def _run(machine: Machine, common: str, airflow: str, run: str) -> tuple[int, str]:
    """Follow the last step; returns the exit code and what was printed."""
    exports = "\n".join(line for line in airflow.splitlines() if line.startswith("export"))
    told = subprocess.run(
        ["bash", "-c", "\n".join(map(machine.words, (common, exports, run)))],
        env=machine.env, cwd=machine.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.returncode, told.stdout + told.stderr


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_leads_to_a_run_on_three_nodes(machine: Machine) -> None:
    common, databases, mlflow, head, node, airflow, run = steps()
    _settle(machine)
    client = f"--host={HOST} --port={machine.ports['postgres']} --username={USER}"
    machine.run(
        f"export PGPASSWORD={PASSWORD}", re.sub(r"(?m)^createdb", f"createdb {client}", databases)
    )
    machine.serve("mlflow", common, mlflow)
    url = f"http://{HOST}:{machine.ports['mlflow']}"
    machine.wait("mlflow", lambda: marked.answers(f"{url}/health", "OK"))
    ports = f"--ray-client-server-port={machine.ports['client']} --temp-dir={machine.folder}/r"
    machine.serve("head", common, head.replace("--head", f"--head {machine.own('head')} {ports}"))
    machine.wait("head", lambda: machine.nodes() == 1)
    code = _other_code(machine.folder)
    elsewhere = f"export PYTHONPATH={code}:$PYTHONPATH"
    for name, first in (("second", ""), ("other", elsewhere)):
        own = node.replace("--block", f"--block {machine.own(name)}")
        num_before = machine.nodes()
        machine.serve(name, common, first, own)
        machine.wait(name, lambda: machine.nodes() == num_before + 1)  # noqa: B023
    machine.run(common, airflow)

    # A run whose many items come to every node.
    conf = json.dumps({"count": NUM_ITEMS, "double.wait_s": 2.0})
    sample = re.sub(r"restitch .*", f"sample --conf '{conf}'", run, flags=re.DOTALL)
    dags = f"export AIRFLOW__CORE__DAGS_FOLDER={ROOT}/tests/support/dags"
    _, said = _run(machine, common, f"{airflow}\n{dags}", sample)
    refusal = r"other code in \S+code \(\w{12}\) than the stage's driver"
    assert re.search(refusal, said), said[-5000:]

    machine.servers["other"].terminate()
    machine.wait("head", lambda: machine.nodes() == 2)
    machine.serve("third", common, node.replace("--block", f"--block {machine.own('third')}"))
    machine.wait("third", lambda: machine.nodes() == 3)
    code, said = _run(machine, common, airflow, run)
    assert code == 0, said[-5000:]

    client = {"key": "testing", "secret": "testing", "endpoint_url": machine.s3}
    store = fsspec.filesystem("s3", **client)
    found = {path.removeprefix("orrery/exports/first/") for path in store.find("orrery/exports")}
    assert {"report.html", "first/panorama.jpg", "second/panorama.jpg"} <= found, said[-5000:]
    assert store.glob("orrery/artifacts/restitch/panorama.publish/*/result.json")

    login = httpx.BasicAuth("admin", LOGIN)
    url = f"{url}/api/2.0/mlflow/runs/search"
    wanted = {"experiment_ids": ["1", "2"]}
    assert httpx.post(url, json=wanted).status_code == 401
    runs = httpx.post(url, json=wanted, auth=login).json()["runs"]
    ended = Counter(each["info"]["status"] for each in runs)
    assert ended["FINISHED"] >= 6, "the stages of restitch, and their run"
    assert ended["FAILED"] >= 2, "the one that was refused, and its run"
    assert any(path.endswith("manifest.json") for path in store.find("orrery/mlflow"))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    jobs = httpx.get(f"{machine.url}/api/jobs/", headers=headers, timeout=30.0).text
    assert "panorama.publish" in jobs or "publish_captures" in jobs
    logs = jobs + said + "".join(path.read_text() for path in machine.folder.glob("*.log"))
    assert not [secret for secret in (PASSWORD, TOKEN, LOGIN) if secret in logs + json.dumps(runs)]
