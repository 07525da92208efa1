"""What a DAG run shows of its published result, in a real MLflow server."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from operators.processes.ports import free_ports
from operators.record.headline import show_headline
from operators.record.mlflow_tracker import MlflowTracker, open_run

pytestmark = [
    pytest.mark.integration,
    # MLflow's own client leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def opened(uri: str) -> Any:
    tags = {"airflow.dag_id": "sample", "airflow.run_id": str(uuid.uuid4())}
    return open_run(uri, "headlines", "run", tags)


def test_the_run_that_made_a_result_shows_it_and_one_that_found_it_says_where_it_is(
    uri: str, client: Any, tmp_path: Path
) -> None:
    key, made, found = uuid.uuid4().hex, opened(uri), opened(uri)
    for name in ("report.html", "worst seams.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    for accuracy, status in ((0.5, "FINISHED"), (0.1, "FAILED")):
        tracker = MlflowTracker.start(uri, made.run_id, "sample.publish", {"key": key})
        tracker.log_metrics({"accuracy": accuracy})
        tracker.log_metrics({"items_done": 3.0}, step=3)
        tracker.log_figure(tmp_path / "report.html", "report.html")
        tracker.log_figure(tmp_path / "worst seams.jpg", "pictures/worst seams.jpg")
        tracker.log_json({"schema": 1}, "manifest.json")
        tracker.finish(status)

    for run in (made, found):
        show_headline(uri, run.run_id, key)
        assert client.get_run(run.run_id).data.metrics == {"accuracy": 0.5}
    paths = [[each.path for each in client.list_artifacts(run.run_id)] for run in (made, found)]
    assert paths == [["pictures", "report.html"], []]
    for name in ("report.html", "pictures/worst seams.jpg"):
        told = Path(client.download_artifacts(made.run_id, name, str(tmp_path / "told")))
        assert told.read_bytes() == name.rpartition("/")[2].encode()
    maker = client.get_run(found.run_id).data.tags["result_of"].rpartition("/")[2]
    maker = maker.partition("?")[0]
    assert client.get_run(maker).data.tags["mlflow.parentRunId"] == made.run_id
    assert "result_of" not in client.get_run(made.run_id).data.tags


def test_a_result_without_a_run_or_a_server_that_is_away_is_a_warning(
    uri: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr("operators.record.mlflow_api.MLFLOW_PAUSE_S", 0.01)
    show_headline(uri, opened(uri).run_id, "unknown")
    show_headline(f"http://127.0.0.1:{free_ports(1)[0]}", "r", "unknown")
    assert [line.split(":")[0].split()[-1] for line in caplog.messages] == ["result", "lost"]
