"""Trackers without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operators.compute.serial import SerialExecutor
from operators.record.trackers import LocalTracker, NullTracker
from operators.stage.local import LocalRun
from operators.stage.run import run_stage
from tasks.core.errors import ResourceError
from tasks.core.models import ModelPackage
from tests.support.kernel.sample_stages import ListConfig, list_numbers


def test_local_tracker_keeps_everything(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"png")
    tracker = LocalTracker(tmp_path / "run")
    tracker.log_metrics({"a": 1.5}, step=2)
    tracker.log_params({"b": "c"})
    tracker.log_json([1], "x.json")
    tracker.log_figure(tmp_path / "picture.png", "figures/p.png")
    tracker.set_tags({"t": "u"})
    tracker.finish("FINISHED")
    lines = (tmp_path / "run/events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"metrics": {"a": 1.5}, "step": 2},
        {"params": {"b": "c"}},
        {"json": [1], "name": "x.json"},
        {"figure": "figures/p.png"},
        {"tags": {"t": "u"}},
        {"status": "FINISHED"},
    ]
    assert (tmp_path / "run/figures/p.png").read_bytes() == b"png"


def test_null_tracker_takes_everything(tmp_path: Path) -> None:
    tracker = NullTracker()
    tracker.log_metrics({"a": 1.0})
    tracker.log_params({})
    tracker.log_json({}, "x")
    tracker.log_figure(tmp_path / "none.png", "x")
    tracker.set_tags({})
    tracker.log_child("a", params={}, metrics={})
    tracker.finish("FINISHED")


def test_a_child_has_a_folder_of_its_own_that_a_later_try_writes_over(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"png")
    figures = {"figures/cell.png": tmp_path / "picture.png"}
    for accuracy in (0.5, 0.6):
        LocalTracker(tmp_path / "run").log_child(
            "cell-1", params={"num_blocks": 5}, metrics={"accuracy": accuracy}, figures=figures
        )
    child = tmp_path / "run/children/cell-1"
    expected = {"params": {"num_blocks": 5}, "metrics": {"accuracy": 0.6}, "tags": {}}
    assert json.loads((child / "run.json").read_text()) == expected
    assert (child / "figures/cell.png").read_bytes() == b"png"
    assert [path.name for path in child.parent.iterdir()] == ["cell-1"]


def test_without_a_server_nothing_is_registered_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "model.pt2").write_bytes(b"network")
    package = ModelPackage(
        name="cells",
        model=tmp_path / "model.pt2",
        golden_inputs=tmp_path / "inputs.npy",
        golden_outputs=tmp_path / "outputs.npy",
        tolerance=1e-4,
        metrics={"accuracy": 0.5},
        metric="accuracy",
        test_key="test",
    )
    models = LocalRun(tmp_path / "store").context(list_numbers, config=ListConfig()).models
    done = models.register(package)
    assert (done.version, done.is_champion) == (None, False)
    assert done.reason == "not registered: no MLflow server; set the profile's tracking_uri"
    assert "model cells is not registered" in caplog.text
    with pytest.raises(ResourceError, match=r"genotype\.json of MLflow run 'a' can't be read: no"):
        models.read_run_file("a", "genotype.json")


def test_folder_as_tracking_uri_receives_the_stage(tmp_path: Path) -> None:
    request = LocalRun(tmp_path / "store").request(list_numbers, config=ListConfig(count=3))
    context = request.context.model_copy(update={"tracking_uri": str(tmp_path / "runs")})
    run_stage(request.model_copy(update={"context": context}), SerialExecutor())
    events = (tmp_path / "runs/sample.list/events.jsonl").read_text()
    assert '{"params": {"count": 3, "bad": []}}' in events
    assert '"name": "manifest.json"' in events
