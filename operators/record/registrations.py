"""Which models a stage registered in a DAG run: its MLflow run says so.

A stage's result can't hold versions, which are others in another registry. So the registry tags the
run that registers, and whoever announces models asks for the tags.
"""

from __future__ import annotations

import json
from typing import Any

from operators.record.headline import KEY_TAG
from operators.record.mlflow_api import PARENT_TAG, REGISTERED_TAG, MlflowApi


def registered_below(tracking_uri: str, run_id: str, key: str) -> list[dict[str, Any]]:
    """Models that a stage registered below a DAG run's MLflow run.

    Args:
        tracking_uri: The server.
        run_id: The DAG run's MLflow run.
        key: The stage's key. A result that an earlier DAG run made was registered there, not here.

    Returns:
        Of each model its ``name``, ``version``, and whether it ``is_champion``.

    Raises:
        TransientError: The server can't be reached.
    """
    with MlflowApi(tracking_uri) as api:
        parent = api.get(run_id)
        found = api.search(parent.experiment_id, **{KEY_TAG: key, PARENT_TAG: run_id})
    told = {
        tag.removeprefix(REGISTERED_TAG): json.loads(value)
        for run in reversed(found)  # a later try says it last
        for tag, value in run.tags.items()
        if tag.startswith(REGISTERED_TAG)
    }
    return [{"name": name, **told[name]} for name in sorted(told)]
