"""Stores of every kind (on a disk, in memory, on an S3 server), and MLflow's own client."""

from __future__ import annotations

import shutil
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from operators.processes.ports import Ports
from operators.store.storage import Storage
from tests.support.kernel.private_authority import Authority, make_authority


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("tests.support.kernel.servers")
    config.pluginmanager.import_plugin("tests.support.kernel.postgres")
    config.pluginmanager.import_plugin("tests.support.s3")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that only this session knows."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["local", "memory", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path / "cache"))
    if request.param == "local":
        return Storage(str(tmp_path / "store"))
    if request.param == "memory":
        return Storage(f"memory://{uuid.uuid4().hex}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    endpoint = request.getfixturevalue("s3_server")
    bucket = f"b{uuid.uuid4().hex}"
    options = {"endpoint_url": endpoint}
    fsspec.filesystem("s3", **options).mkdir(bucket)
    return Storage(f"s3://{bucket}/root", options)


@pytest.fixture(scope="module")
def uri(servers: Ports) -> str:
    """URL of the session's MLflow server."""
    return servers.mlflow_url


@pytest.fixture(scope="module")
def client(uri: str) -> Iterator[Any]:
    """MLflow's own client of that server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        yield MlflowClient(uri)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if not made or made.returncode:
        pytest.skip("this machine lets no one mount a tmpfs")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)
