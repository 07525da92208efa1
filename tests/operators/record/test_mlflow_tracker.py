"""Records in a real MLflow server, read back with MLflow's own client."""

from __future__ import annotations

import json
import math
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operators.items import watch
from operators.items.reports import Reporter
from operators.items.watch import Watch
from operators.processes.ports import free_ports
from operators.record import mlflow_tracker
from operators.record.mlflow_api import Run
from operators.record.mlflow_tracker import MlflowTracker, close_run, open_run, tag_run
from operators.store.storage import Storage
from tasks.core.errors import TransientError
from tests.support.kernel.live_runs import until

pytestmark = [
    pytest.mark.integration,
    # MLflow's own client leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def tags() -> dict[str, str]:
    """Tags of one DAG run; quotes in a run id must not break the search for it."""
    return {"airflow.dag_id": "sample", "airflow.run_id": f"it's {uuid.uuid4()}"}


def test_a_dag_run_finds_its_run_again(uri: str, client: Any, tags: dict[str, str]) -> None:
    first = open_run(uri, "sample", "run", tags)
    close_run(uri, first.run_id, "FAILED")
    assert client.get_run(first.run_id).info.status == "FAILED"
    again = open_run(uri, "sample", "run", tags)
    assert again == first
    assert client.get_run(first.run_id).info.status == "RUNNING"
    other = open_run(uri, "sample", "run", {**tags, "airflow.run_id": "another"})
    assert other.run_id != first.run_id
    tag_run(uri, first.run_id, {"reused.match": "a/b"})
    assert client.get_run(first.run_id).data.tags["reused.match"] == "a/b"


def test_an_experiment_is_described_as_one_of_training_also_if_it_was_there(
    uri: str, client: Any, tags: dict[str, str]
) -> None:
    name = f"old-{uuid.uuid4()}"
    experiment_id = client.create_experiment(name)
    for note in ("# What it does", "# What it does now", ""):
        assert open_run(uri, name, "run", tags, note).experiment_id == experiment_id
        kept = client.get_experiment(experiment_id).tags
        assert kept["mlflow.experimentKind"] == "custom_model_development"
        assert kept["mlflow.note.content"] == (note or "# What it does now")


def test_a_stage_is_a_child_with_its_numbers(
    uri: str, client: Any, tags: dict[str, str], tmp_path: Path
) -> None:
    parent = open_run(uri, "sample", "run", {**tags, "mlflow.user": "ada"})
    tracker = MlflowTracker.start(uri, parent.run_id, "panorama.match", {"device": "cpu"})
    for step in range(2500):
        tracker.log_metrics({"px": step / 10}, step=step)
    tracker.log_metrics({"lost": math.nan, "far": math.inf})
    tracker.log_params(
        {f"p{i}": i for i in range(250)} | {"nested": {"a": [1]}, "long": "x" * 9999}
    )
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    tracker.log_figure(picture, "figures/a b.png")
    tracker.log_json({"mean_px": 0.4}, "quality.json")
    tracker.set_tags({"more": "yes"})
    tracker.finish("FINISHED")

    run = client.get_run(tracker.run.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time
    assert run.info.run_name == "panorama.match · run"
    assert run.info.experiment_id == parent.experiment_id
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert {k: run.data.tags[k] for k in ("device", "more")} == {"device": "cpu", "more": "yes"}
    assert run.data.tags["airflow.run_id"] == tags["airflow.run_id"]
    assert run.data.tags["mlflow.user"] == "ada"
    assert len(client.get_metric_history(run.info.run_id, "px")) == 2500
    assert run.data.metrics["px"] == 249.9
    assert math.isnan(run.data.metrics["lost"])
    assert run.data.metrics["far"] > 1e300
    assert run.data.params["nested"] == '{"a": [1]}'
    assert len(run.data.params) == 252
    assert len(run.data.params["long"]) == 6000
    told = Path(client.download_artifacts(run.info.run_id, "quality.json", str(tmp_path)))
    assert json.loads(told.read_text()) == {"mean_px": 0.4}
    told = Path(client.download_artifacts(run.info.run_id, "figures/a b.png", str(tmp_path)))
    assert told.read_bytes() == b"\x89PNG"


@pytest.mark.parametrize("for_good", [False, True])
def test_a_run_that_a_person_deleted_holds_nothing_up(
    for_good: bool, uri: str, client: Any, tags: dict[str, str], caplog: Any
) -> None:
    parent = open_run(uri, "sample", "run", tags)
    client.delete_run(parent.run_id)
    run_id = "0" * 32 if for_good else parent.run_id
    tag_run(uri, run_id, {"reused.match": "a/b"})
    tracker = MlflowTracker.start(uri, run_id, "sample.double", {})
    tracker.finish("FINISHED")
    assert client.get_run(tracker.run.run_id).info.status == "FINISHED"
    assert not close_run(uri, run_id, "FINISHED")
    lost = "the run was deleted in MLflow, and its status is lost: "
    assert caplog.messages[-1].startswith(lost)


def test_numbers_wait_for_their_batch(uri: str, client: Any, tags: dict[str, str]) -> None:
    parent = open_run(uri, "sample", "run", tags)
    tracker = MlflowTracker.start(uri, parent.run_id, "sample.double", {})
    tracker.log_metrics({"px": 1.0})
    assert client.get_run(tracker.run.run_id).data.metrics == {}
    tracker.flush()
    assert client.get_run(tracker.run.run_id).data.metrics == {"px": 1.0}
    tracker.close()


def test_curves_of_items_are_there_while_they_grow(
    uri: str, client: Any, tags: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_tracker, "FLUSH_INTERVAL_S", 0.1)
    monkeypatch.setattr(watch, "LOOK_INTERVAL_S", 0.2)
    tracker = MlflowTracker.start(uri, open_run(uri, "sample", "run", tags).run_id, "s", {})
    run_id, storage = tracker.run.run_id, Storage(str(tmp_path))

    def steps() -> list[int]:
        return [each.step for each in client.get_metric_history(run_id, "net_1/loss")]

    with Watch(storage, tracker) as looking:
        looking.begin("key", "net 1")
        reporter = Reporter(storage, "key")
        for step in range(3):
            reporter.add({"loss": 1.0 / (step + 1)}, step, {"grid.png": b"png"})
        reporter.save()
        for number in range(20):  # from this thread, as the stage itself does
            tracker.log_metrics({"own": float(number)}, number)
        until(lambda: steps() == [0, 1, 2], 20.0)
        until(lambda: [each.path for each in client.list_artifacts(run_id, "net_1")], 20.0)
    tracker.finish("FINISHED")
    assert len(client.get_metric_history(run_id, "own")) == 20


def test_what_a_lost_driver_left_open_is_closed(
    uri: str, client: Any, tags: dict[str, str]
) -> None:
    parent = open_run(uri, "sample", "run", tags)
    lost = MlflowTracker.start(uri, parent.run_id, "sample.double", {})
    lost.close()
    ended = MlflowTracker.start(uri, parent.run_id, "sample.double", {})
    ended.finish("FINISHED")
    close_run(uri, parent.run_id, "FINISHED")
    states = [client.get_run(each).info.status for each in (lost.run.run_id, ended.run.run_id)]
    assert states == ["KILLED", "FINISHED"]


def children(client: Any, run: Any) -> list[Any]:
    clause = f"tags.`mlflow.parentRunId` = '{run.run_id}'"
    return client.search_runs([run.experiment_id], clause)


def test_a_child_is_recorded_once_and_follows_a_stage_that_is_tried_again(
    uri: str, client: Any, tags: dict[str, str], tmp_path: Path
) -> None:
    parent = open_run(uri, "sample", "run", tags)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG")
    tries = []
    for accuracy in (0.5, 0.6):
        tracker = MlflowTracker.start(uri, parent.run_id, "sample.search", {"key": "k"})
        for name, size in (("it's a cell", 5), ("it's a cell", 6), ("other", 5)):
            tracker.log_child(
                name,
                params={"size": size, "lost": math.nan},
                metrics={"accuracy": accuracy},
                tags={"rung": "2"},
                figures={"cell.png": picture},
            )
        tracker.close()
        tries.append(tracker.run)
    assert children(client, tries[0]) == []
    found = children(client, tries[1])
    named = {(run.info.run_name, run.data.params["size"]) for run in found}
    assert named == {("it's a cell", "5"), ("it's a cell", "6"), ("other", "5")}
    assert len(found) == 3
    for run in found:
        assert run.info.status == "FINISHED"
        assert run.data.metrics == {"accuracy": 0.6}
        assert run.data.tags["rung"] == "2"
        assert run.data.tags["airflow.run_id"] == tags["airflow.run_id"]
        told = Path(client.download_artifacts(run.info.run_id, "cell.png", str(tmp_path)))
        assert told.read_bytes() == b"\x89PNG"


def test_children_of_other_stages_and_runs_are_others(
    uri: str, client: Any, tags: dict[str, str]
) -> None:
    parent = open_run(uri, "sample", "run", tags)
    for parent_id, key in ((parent.run_id, "k"), (parent.run_id, "l"), (None, "k"), (None, "k")):
        tracker = MlflowTracker.start(uri, parent_id, "sample.search", {"key": key})
        tracker.log_child("a", params={}, metrics={})
        tracker.close()
        assert len(children(client, tracker.run)) == 1


def test_a_child_that_a_lost_driver_left_open_is_closed(
    uri: str, client: Any, tags: dict[str, str]
) -> None:
    parent = open_run(uri, "sample", "run", tags)
    lost = MlflowTracker.start(uri, parent.run_id, "sample.search", {})
    child = MlflowTracker.start(uri, lost.run.run_id, "cell", {})
    lost.close()
    child.close()
    close_run(uri, parent.run_id, "FAILED")
    assert client.get_run(child.run.run_id).info.status == "KILLED"


def test_a_server_that_is_away_fails_the_start_but_never_a_stage(
    uri: str, tags: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr("operators.record.mlflow_api.MLFLOW_PAUSE_S", 0.01)
    monkeypatch.setattr("operators.record.mlflow_tracker.MLFLOW_RETURN_S", 0.0)
    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(TransientError, match="can't reach MLflow"):
        open_run(away, "sample", "run", tags)
    with pytest.raises(TransientError, match="can't reach MLflow"):
        MlflowTracker.start(away, None, "sample.double", {})
    tracker = MlflowTracker(away, open_run(uri, "sample", "run", tags))
    tracker.log_metrics({"px": 1.0})
    tracker.log_json({}, "a.json")
    tracker.log_child("cell", params={}, metrics={})
    tracker.finish("FINISHED")
    said = caplog.messages
    assert said[0].startswith(f"records of MLflow run {tracker.run.run_id} wait: can't reach")
    assert said[1].startswith("child cell")
    assert said[-1] == f"a.json, metrics, the end of MLflow run {tracker.run.run_id} are lost"


def test_a_server_that_hangs_takes_a_tenth_of_a_stage_s_time_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, hung_s = [0.0], [0.0]

    def hang(*_: Any, **__: Any) -> Any:
        now_s[0] += 90.0
        hung_s[0] += 90.0
        raise TransientError("timed out")

    clock = SimpleNamespace(monotonic=lambda: now_s[0])
    monkeypatch.setattr("operators.record.mlflow_tracker.time", clock)
    monkeypatch.setattr("operators.record.mlflow_tracker.now_ms", lambda: 0)
    tracker = MlflowTracker("http://mlflow", Run("r", "1", "mlflow-artifacts:/r", "", "", {}, []))
    monkeypatch.setattr(tracker._api, "_request", hang)
    for _ in range(2000):
        now_s[0] += 3.0
        tracker.log_metrics({"px": 1.0})
    assert 0 < hung_s[0] < 0.11 * now_s[0]
    tracker._api.close()


def test_records_wait_for_a_server_that_is_away_and_nothing_is_lost(
    uri: str, client: Any, tags: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    for name, value in (("MLFLOW_POLL_S", 0.05), ("FLUSH_INTERVAL_S", 0.0)):
        monkeypatch.setattr(f"operators.record.mlflow_tracker.{name}", value)
    tracker = MlflowTracker(uri, open_run(uri, "sample", "run", tags))
    send, away = tracker._api._request, [True]

    def maybe(*args: Any, **kwargs: Any) -> Any:
        if away[-1]:
            raise TransientError("away")
        return send(*args, **kwargs)

    monkeypatch.setattr(tracker._api, "_request", maybe)
    for step in range(3):
        tracker.log_metrics({"px": float(step)}, step=step)
    tracker.log_params({"a": 1})
    tracker.log_json({"b": 2}, "b.json")
    back = threading.Timer(0.3, lambda: away.append(False))
    back.start()
    tracker.finish("FINISHED")
    back.join()
    run = client.get_run(tracker.run.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["a"] == "1"
    kept = client.get_metric_history(tracker.run.run_id, "px")
    assert [each.value for each in kept] == [0.0, 1.0, 2.0]
    assert not any("lost" in line for line in caplog.messages)
