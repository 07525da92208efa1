"""An S3 server for tests, and buckets in it.

A folder whose tests need it says so in its conftest; see `tests.support.kernel.servers`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from tasks.core.outside.stored import StoredFolder


@contextmanager
def serving_s3() -> Iterator[str]:
    """Run a server on the loopback interface; gives its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The session's server."""
    with serving_s3() as address:
        yield address


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of a new bucket, which the environment has the credentials of."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    name = f"b{uuid.uuid4().hex}"
    fsspec.filesystem("s3", endpoint_url=s3_server).mkdir(name)
    return f"s3://{name}"


def put_folder(folder: Path, uri: str) -> str:
    """Copy a folder's files into a store, one by one; returns where they are."""
    for path in folder.rglob("*"):
        if path.is_file():
            StoredFolder(uri).write(path.relative_to(folder).as_posix(), path)
    return uri
