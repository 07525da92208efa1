"""Where no server keeps runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from operators.record.trackers import NullTracker
from operators.stage.local import LocalRun
from tasks.core.errors import ResourceError
from tests.support.kernel.model_packages import package_in
from tests.support.kernel.sample_stages import ListConfig, list_numbers


def test_null_tracker_takes_everything(tmp_path: Path) -> None:
    tracker = NullTracker()
    tracker.log_metrics({"a": 1.0})
    tracker.log_params({})
    tracker.log_json({}, "x")
    tracker.log_figure(tmp_path / "none.png", "x")
    tracker.set_tags({})
    tracker.log_child("a", params={}, metrics={})
    tracker.finish("FINISHED")


def test_without_a_server_nothing_is_registered_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = LocalRun(tmp_path / "store").context(list_numbers, config=ListConfig()).models
    done = models.register(package_in(tmp_path))
    assert (done.version, done.is_champion) == (None, False)
    assert done.reason == "not registered: no MLflow server; set the profile's tracking_uri"
    assert "model cells is not registered" in caplog.text
    with pytest.raises(ResourceError, match="model cells can't be fetched: no MLflow server; set"):
        models.fetch("cells", "champion", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    with pytest.raises(ResourceError, match=r"genotype\.json of MLflow run 'a' can't be read: no"):
        models.read_run_file("a", "genotype.json")
