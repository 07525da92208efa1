"""The servers of a session: one Ray with its Jobs API, and MLflow, as a headless run starts them.

A folder whose tests need them says so in its conftest, so that no other folder depends on them:

    def pytest_configure(config: pytest.Config) -> None:
        config.pluginmanager.import_plugin("tests.support.kernel.servers")

All tests that use them run one after the other in one process; see tests/conftest.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from operators.headless.servers import RunServers
from operators.processes import marked
from operators.processes.ports import HOST, Ports
from operators.stack import services
from operators.stack import supervise as stack
from operators.stack.state import STATE


@pytest.fixture(scope="session")
def servers() -> Iterator[Ports]:
    """Ray and MLflow of the session; yields where they listen.

    They are noted as the running stack, so that headless runs of the session use them. Nothing
    of them is left at the end.
    """
    ports = Ports.choose()
    mark = f"tests-{os.getpid()}"
    folder = STATE / "servers"
    folder.mkdir()
    env = services.base_env()
    del env["OMP_NUM_THREADS"]  # the tests' own; what workers may use is the executor's to say
    running = RunServers(mark, folder, ports, env, lambda _line: None)
    try:
        running.wait()
        stack.note(ports)
        yield ports
    finally:
        stack.NOTE.unlink(missing_ok=True)
        running.end()
        marked.end(mark)
        shutil.rmtree((folder / "ray").readlink(), ignore_errors=True)
    assert marked.members(mark) == []


@pytest.fixture(scope="session")
def ray_cluster(servers: Ports) -> Iterator[str]:
    """Connect this process to the session's Ray, as a driver does; yields the head's address."""
    import ray

    address = f"{HOST}:{servers.ray_inner[0]}"
    ray.init(address, logging_level="warning")
    yield address
    ray.shutdown()
