"""MLflow's old runs go with their families and files; what is registered stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from operators.record.old_runs import remove_old_runs
from operators.stack.databases import MLFLOW_DATABASE, mlflow_env
from operators.stack.state import STATE

pytestmark = pytest.mark.integration
# Before anything that another test has recorded.
LIMIT = datetime(2001, 1, 1, tzinfo=UTC)
OLD_MS = 900_000_000_000


class Made:
    """Runs of an experiment of the test's own."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.experiment = client, client.create_experiment(name)

    def run(self, end_ms: int | None = OLD_MS, parent: str = "") -> str:
        tags = {"mlflow.parentRunId": parent} if parent else {}
        run = self.client.create_run(self.experiment, start_time=OLD_MS - 1000, tags=tags)
        self.client.log_metric(run.info.run_id, "loss", 1.0)
        self.client.log_text(run.info.run_id, "text", "file.txt")
        if end_ms:
            self.client.set_terminated(run.info.run_id, end_time=end_ms)
        return str(run.info.run_id)


def files(run: str) -> list[Path]:
    return list((STATE / "mlflow" / "artifacts").glob(f"*/{run}/artifacts/*"))


def test_only_whole_families_that_are_old_and_not_registered_go(client: Any, uri: str) -> None:
    made = Made(client, "old-runs")
    parent = made.run()
    gone = {parent, made.run(parent=parent), made.run()}
    alive = made.run()
    trained = made.run()
    kept = {alive, made.run(end_ms=None, parent=alive), made.run(end_ms=2 * OLD_MS), trained}
    kept.add(made.run(parent=trained))
    client.create_registered_model("old-champion")
    client.create_model_version("old-champion", f"runs:/{trained}/file.txt", run_id=trained)
    client.set_registered_model_alias("old-champion", "champion", 1)
    thrown_away = made.run()
    client.delete_run(thrown_away)

    database = mlflow_env()[MLFLOW_DATABASE]
    assert set(remove_old_runs(uri, database, LIMIT, dry_run=True)) == gone
    assert all(files(run) for run in gone | kept)
    assert set(remove_old_runs(uri, database, LIMIT, dry_run=False)) == gone

    assert not any(files(run) for run in gone)
    assert all(files(run) for run in {*kept, thrown_away})
    found = client.search_runs([made.experiment], run_view_type=3)
    assert {run.info.run_id for run in found} == {*kept, thrown_away}
    assert client.get_model_version_by_alias("old-champion", "champion").run_id == trained
    assert remove_old_runs(uri, database, LIMIT, dry_run=False) == []
