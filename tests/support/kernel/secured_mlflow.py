"""An MLflow server as a cautious team runs it: a login, TLS, and its files on an S3 server."""

from __future__ import annotations

import re
import ssl
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec
import httpx

from operators.installation import ROOT
from operators.processes import marked
from operators.processes.ports import HOST, free_ports
from operators.stack import services
from tests.support.kernel.private_authority import Authority

USER, PASSWORD = "admin", "pass:word with-3 parts"
LIMIT_S = 120.0


@dataclass(frozen=True)
class SecuredMlflow:
    """Where it is, and what a client needs to know.

    Attributes:
        uri: Its address.
        env: Environment of a client.
        log: File with all that it printed.
    """

    uri: str
    env: dict[str, str]
    log: Path


@contextmanager
def secured_mlflow(folder: Path, authority: Authority, s3: str) -> Iterator[SecuredMlflow]:
    """Run the server as long as the block lasts.

    Args:
        folder: Folder for its database and log.
        authority: Who certifies it.
        s3: Address of the S3 server.
    """
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    store = keys | {"MLFLOW_S3_ENDPOINT_URL": s3, "AWS_DEFAULT_REGION": "us-east-1"}
    bucket = f"b{uuid.uuid4().hex}"
    client = {"key": "testing", "secret": "testing", "endpoint_url": s3}
    fsspec.filesystem("s3", **client).mkdir(bucket)
    (port,) = free_ports(1)
    uri, mark, log = f"https://{HOST}:{port}", f"mlflow-{uuid.uuid4().hex}", folder / "mlflow.log"
    tls = f"--ssl-keyfile={authority.key} --ssl-certfile={authority.certificate}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", f"--host={HOST}", f"--port={port}"),
        *(f"--backend-store-uri=sqlite:///{folder}/mlflow.db", "--workers=1"),
        *(f"--default-artifact-root=s3://{bucket}/runs", "--app-name=basic-auth"),
        f"--uvicorn-opts={tls}",
    ]
    logins = (ROOT / "docker" / "mlflow_auth.ini").read_text()
    logins = re.sub(r"database_uri = .*", f"database_uri = sqlite:///{folder}/auth.db", logins)
    (folder / "auth.ini").write_text(logins)
    env = services.base_env() | store
    env |= {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": uuid.uuid4().hex,
    }
    server = marked.start(command, mark=mark, env=env, log=log, folder=folder)
    try:
        marked.wait_until(
            "MLflow",
            lambda: _answers(uri, authority),
            LIMIT_S,
            lambda: server.poll() is None,
            lambda _line: None,
        )
        known = store | {
            "MLFLOW_TRACKING_USERNAME": USER,
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
            "REQUESTS_CA_BUNDLE": str(authority.bundle),
        }
        yield SecuredMlflow(uri, known, log)
    finally:
        marked.end(mark)
        server.wait()


def _answers(uri: str, authority: Authority) -> bool:
    tls = ssl.create_default_context(cafile=str(authority.bundle))
    try:
        return httpx.get(f"{uri}/health", verify=tls).is_success
    except httpx.HTTPError:
        return False
