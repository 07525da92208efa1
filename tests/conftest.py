"""What all tests share: a state of their own, one thread a process, and who needs the servers."""

from __future__ import annotations

import functools
import gc
import logging
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.budget"]
# Before anything of Airflow or of the services is imported: tests keep no state outside.
STATE = Path(tempfile.mkdtemp(prefix="orrery-tests-"))
os.environ["ORRERY_STATE"] = str(STATE)
os.environ.pop("DATABASE_URL", None)
os.environ["AIRFLOW_HOME"] = str(STATE / "airflow-tests")
# Before Ray is, which reads them once: this process is a driver of the session's own cluster.
TOKEN = STATE / "ray_token"
TOKEN.touch(0o600)
TOKEN.write_text(secrets.token_hex(32))
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN_PATH"] = str(TOKEN)
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
# Before numpy and torch are: two processes on two cores must not fight over them.
os.environ["OMP_NUM_THREADS"] = "1"
# The same examples every time, however slow the machine is: a commit passes always or never.
settings.register_profile(
    "orrery", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("orrery")
OURS = {"benchmarks", "dags", "operators", "tasks"}
NEEDS_SERVERS = {"servers", "ray_cluster"}
MARK = "pytest.mark.integration"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    shutil.rmtree(STATE, ignore_errors=True)


def pytest_collection_finish() -> None:
    """Modules and tests live to the end: no collection of garbage need look at them again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests that need servers come first: they take longest.

    Raises:
        pytest.UsageError: A test uses the servers and does not say so.
    """
    for item in items:
        uses = NEEDS_SERVERS & set(getattr(item, "fixturenames", ()))
        if uses and item.get_closest_marker("integration") is None:
            raise pytest.UsageError(f"{item.nodeid} uses {uses}: mark it with {MARK}")
    items.sort(key=lambda item: not is_served(item.path))


@functools.cache
def is_served(path: Path) -> bool:
    """Whether a file has tests that start servers, or use Ray or those of the session."""
    return MARK in path.read_text(encoding="utf-8")


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Without what threads of libraries say, which may be at any time (Ray Data polls on)."""
    test = threading.get_ident()

    def is_meant(record: logging.LogRecord) -> bool:
        return record.thread == test or record.name.partition(".")[0] in OURS

    caplog.handler.addFilter(is_meant)
    yield caplog
    caplog.handler.removeFilter(is_meant)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, let one process run all files that need servers.

    The others do the rest meanwhile. (Groups of xdist 3.8 have no effect under pytest 9.2.)
    """
    from xdist.scheduler import LoadFileScheduling

    class ServersTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return "servers" if is_served(config.rootpath / path) else path

    return ServersTogether(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Path of a profile whose store is the test's own folder."""
    path = tmp_path / "test.yaml"
    path.write_text(
        f"store_uri: {tmp_path}/store\nray_address: auto\nreadable: [/]\nwritable: [/]\n"
        "default: {num_cpus: 1.0, memory_gb: 1.0, limit_s: 20.0}\n"
    )
    return str(path)
