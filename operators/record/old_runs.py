"""Removes MLflow's runs once they are old, with their files; what is registered stays.

A run goes with its parent and its children, when all have ended before a time and no version of a
registered model came from any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from operators.record.mlflow_api import PARENT_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE = 1000


def remove_old_runs(
    tracking_uri: str, database: str, before: datetime, *, dry_run: bool
) -> list[str]:
    """Remove the runs of an MLflow server of this machine.

    Args:
        tracking_uri: Its address; it deletes the files.
        database: Its database, since no call of the server removes a run for good.
        before: Runs that ended later stay.
        dry_run: Only say which would go.

    Returns:
        Ids of the runs.
    """
    from mlflow import MlflowClient
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    client = MlflowClient(tracking_uri)
    old = list(_old_runs(client, before))
    if old and not dry_run:
        records: Any = SqlAlchemyStore(database, "mlflow-artifacts:/")  # type: ignore[no-untyped-call]
        for run in old:
            client.delete_run(run.info.run_id)
            files: Any = get_artifact_repository(run.info.artifact_uri, tracking_uri)
            files.delete_artifacts()
            # As `mlflow gc` does, which would also empty the bin of experiments and models.
            records._hard_delete_run(run.info.run_id)
    return [run.info.run_id for run in old]


def _old_runs(client: MlflowClient, before: datetime) -> Iterator[Run]:
    registered = {version.run_id for version in client.search_model_versions(max_results=_PAGE)}
    families: dict[str, list[Run]] = {}
    for run in _all_runs(client):
        families.setdefault(run.data.tags.get(PARENT_TAG, run.info.run_id), []).append(run)
    for family in families.values():
        ends = [run.info.end_time for run in family]
        ended_s = [end / 1000 for end in ends if end]
        is_over = len(ended_s) == len(ends) and max(ended_s) < before.timestamp()
        if is_over and not registered & {run.info.run_id for run in family}:
            yield from family


def _all_runs(client: MlflowClient) -> Iterator[Run]:
    experiments = [each.experiment_id for each in client.search_experiments()]
    token = None
    while experiments:
        page = client.search_runs(experiments, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
