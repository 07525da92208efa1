"""Files of runs below every kind of root; MLflow with a login, TLS and its files on S3."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from operators import access
from operators.record.mlflow_api import MlflowApi
from operators.record.mlflow_artifacts import read_file, served_at, write_file
from operators.record.mlflow_tracker import MlflowTracker, close_run, open_run
from tasks.core.errors import ArtifactError, ConfigError, ResourceError, TransientError
from tests.support.kernel.private_authority import Authority
from tests.support.kernel.secured_mlflow import PASSWORD, SecuredMlflow, secured_mlflow

SERVED = "/api/2.0/mlflow-artifacts/artifacts"
_OFFICIAL = """
import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
run = client.get_run(sys.argv[2])
path = client.download_artifacts(run.info.run_id, "figures/a b.png", ".")
files = [each.path for each in client.list_artifacts(run.info.run_id)]
print(json.dumps([run.info.status, run.data.metrics, files, open(path, "rb").read().hex()]))
"""
TAGS = {"airflow.dag_id": "sample", "airflow.run_id": "run"}


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("mlflow-artifacts:/1/r/a b.png", f"{SERVED}/1/r/a%20b.png"),
        ("mlflow-artifacts://mlflow/1/r/a", f"{SERVED}/1/r/a"),
        ("mlflow-artifacts://other:8/1/r/a", f"https://other:8{SERVED}/1/r/a"),
        (f"https://mlflow/team{SERVED}/1/r/a", f"{SERVED}/1/r/a"),
        (f"http://other{SERVED}/1/r/a", f"http://other{SERVED}/1/r/a"),
        ("s3://bucket/1/r/a", None),
        ("/mnt/runs/1/r/a", None),
    ],
)
def test_a_server_keeps_what_lies_at_its_root(file: str, place: str | None) -> None:
    assert served_at(file, "https://mlflow/team") == place


@pytest.mark.parametrize("scheme", ["file://", ""])
def test_a_folder_that_all_nodes_share_is_written(scheme: str, tmp_path: Path) -> None:
    root = f"{scheme}{tmp_path}/runs/1"
    write_file(f"{root}/a/b.json", b"{}")
    assert read_file(f"{root}/a/b.json") == b"{}"
    assert (tmp_path / "runs/1/a/b.json").read_bytes() == b"{}"
    with pytest.raises(FileNotFoundError):
        read_file(f"{root}/none")


def test_a_store_that_is_away_or_unknown_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ResourceError, match=r"gs://bucket/a can't be reached from here: .*gcsfs"):
        write_file("gs://bucket/a", b"")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TransientError, match="can't reach s3://bucket/a"):
        write_file("s3://bucket/a", b"")


@pytest.fixture(scope="module")
def secured(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, s3_server: str
) -> Iterator[SecuredMlflow]:
    with secured_mlflow(tmp_path_factory.mktemp("mlflow"), authority, s3_server) as server:
        yield server


@pytest.fixture
def known(secured: SecuredMlflow, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this process be known to the server; yields its address."""
    for name, value in secured.env.items():
        monkeypatch.setenv(name, value)
    return secured.uri


@pytest.mark.integration
def test_a_run_is_recorded_behind_a_login_with_its_files_on_s3(known: str, tmp_path: Path) -> None:
    parent = open_run(f"{known}/", "sample", "run", TAGS)
    assert parent.artifact_uri.startswith("s3://")
    tracker = MlflowTracker.start(known, parent.run_id, "sample.double", {})
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    tracker.log_metrics({"px": 0.5})
    tracker.log_figure(picture, "figures/a b.png")
    tracker.log_json({"good": True}, "quality.json")
    tracker.finish("FINISHED")
    close_run(known, parent.run_id, "FINISHED")
    assert tracker.models.read_run_file(tracker.run.run_id, "quality.json").startswith(b"{")
    with pytest.raises(ArtifactError, match="has no file 'none'"):
        tracker.models.read_run_file(tracker.run.run_id, "none")

    # MLflow's own client has the same login, authority and store from the same variables.
    command = [sys.executable, "-W", "ignore", "-c", _OFFICIAL, known, tracker.run.run_id]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    files, content = ["figures", "quality.json"], picture.read_bytes().hex()
    assert json.loads(told.stdout) == ["FINISHED", {"px": 0.5}, files, content]


@pytest.mark.integration
def test_who_is_not_let_in_is_told_so_at_once_and_no_secret_is_shown(
    known: str,
    secured: SecuredMlflow,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    run = open_run(known, "sample", "run", TAGS)
    early = MlflowTracker(known, run)
    shown = [access.mlflow_login()["Authorization"].partition(" ")[2], PASSWORD, "other-word"]
    raised = []
    for name, value, message in (
        ("MLFLOW_TRACKING_PASSWORD", "other-word", "refuses access: 401.*MLFLOW_TRACKING_USERNAME"),
        ("MLFLOW_TRACKING_USERNAME", "", "refuses access: 401.*MLFLOW_TRACKING_USERNAME"),
        ("REQUESTS_CA_BUNDLE", "", "a certificate that this process does not believe"),
    ):
        monkeypatch.setenv(name, value)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("SSL_CERT_DIR", raising=False)
        with pytest.raises(ResourceError, match=message) as refused:
            open_run(known, "sample", "run", TAGS)
        raised.append(str(refused.value))
    with closing(MlflowTracker(known, run)) as tracker:
        tracker.set_tags({"late": "yes"})
    early.set_tags({"early": "yes"})
    early.close()
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    with MlflowApi(known) as api:
        tags = api._send("GET", f"runs/get?run_id={run.run_id}")["run"]["data"]["tags"]
    assert {"early"} <= {tag["key"] for tag in tags}
    assert "late" not in {tag["key"] for tag in tags}
    assert any("tags of MLflow run" in each for each in caplog.messages), "dropped, and said"
    said = "\n".join([*caplog.messages, *raised, secured.log.read_text()])
    assert not [secret for secret in shown if secret in said]
    with pytest.raises(ConfigError, match="tracking_uri: expected an address without"):
        MlflowApi(known.replace("//", "//admin:word@"))


@pytest.mark.integration
@pytest.mark.parametrize(
    "place", ["file:///etc", "/etc", "s3://other/runs", "http://other/x", "mlflow-artifacts:/.."]
)
def test_the_server_takes_no_place_for_files_from_a_client(uri: str, place: str) -> None:
    def ask(path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{uri}/api/2.0/mlflow/{path}", json=body)

    refused = ask("experiments/create", name=f"at {place}", artifact_location=place)
    assert refused.status_code == httpx.codes.BAD_REQUEST, refused.text
    ask("registered-models/create", name="foreign")
    refused = ask("model-versions/create", name="foreign", source=place)
    assert refused.status_code == httpx.codes.BAD_REQUEST, refused.text
    found = httpx.get(f"{uri}/api/2.0/mlflow/experiments/get-by-name?experiment_name=at {place}")
    assert json.loads(found.text)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
