"""What all tests share: one Ray, quiet and small, and a profile that needs no service."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Before anything of Airflow or of the services is imported: tests keep no state outside.
STATE = Path(tempfile.mkdtemp(prefix="orrery-tests-"))
atexit.register(shutil.rmtree, STATE, ignore_errors=True)
os.environ["ORRERY_STATE"] = str(STATE)
os.environ["AIRFLOW_HOME"] = str(STATE / "airflow-tests")


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[str]:
    """One Ray for all tests of the session; yields the address of its head."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_MODE"] = "disabled"
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    import ray

    context = ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100_000_000,
        _node_ip_address="127.0.0.1",
        logging_level="warning",
    )
    yield context.address_info["gcs_address"]
    ray.shutdown()


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Path of a profile whose store is the test's own folder."""
    path = tmp_path / "test.yaml"
    path.write_text(
        f"store_uri: {tmp_path}/store\nray_address: auto\n"
        "default: {num_cpus: 1.0, memory_gb: 1.0, limit_s: 20.0}\n"
    )
    return str(path)


@pytest.fixture(scope="session")
def servers() -> Iterator[Any]:
    """Ray with its Jobs API, and MLflow, as a headless run starts them; yields their `Ports`.

    They are noted as the running stack, so that headless runs of the session use them. Nothing
    of them is left at the end.
    """
    from operators.stack import processes, services
    from operators.stack import supervise as stack
    from operators.stack.headless import RunServers

    ports = services.Ports.choose()
    mark = f"tests-{os.getpid()}"
    folder = STATE / "servers"
    folder.mkdir()
    running = RunServers(mark, folder, ports, services.base_env(), lambda _line: None)
    try:
        running.wait()
        stack.note(ports)
        yield ports
    finally:
        stack.NOTE.unlink(missing_ok=True)
        running.end()
        processes.end(mark)
        shutil.rmtree((folder / "ray").readlink(), ignore_errors=True)
    assert processes.members(mark) == []
