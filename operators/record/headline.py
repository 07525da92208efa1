"""The headline of a DAG run in MLflow: what its publishing stage recorded, on the run itself.

So two DAG runs compare at a glance. It is copied from the stage's own run, which the stage's key
finds. A DAG run that found its last result finished shows the same figures, and a tag says in which
run the pictures and pages are: a night without news adds no copies of them.
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath

from operators.record.mlflow_api import MAX_TAG_CHARS, PARENT_TAG, MlflowApi, pairs
from tasks.core.errors import OrreryError

KEY_TAG = "key"
MAKER_TAG = "result_of"  # the stage's run that made the published result
# Beyond these a file is left with the stage: a headline is read at once.
MAX_FILES, MAX_FILE_BYTES = 30, 50_000_000
_SHOWN = (".html", ".jpg", ".png")

logger = logging.getLogger(__name__)


def show_headline(tracking_uri: str, run_id: str, key: str) -> None:
    """Copy figures, pictures and pages to a DAG run's run from that of the published result's key.

    Records are for people: where MLflow fails, a warning is all.
    """
    try:
        with MlflowApi(tracking_uri) as api:
            run = api.get(run_id)
            found = api.search(run.experiment_id, status="FINISHED", **{KEY_TAG: key})
            if not found:
                logger.warning("MLflow has no run of the published result: key %s", key)
                return
            # What was recorded at a later step is a point of a curve.
            figures = [each for each in found[0].metrics if not int(each["step"])]
            api.log_batch(run_id, metrics=figures)
            if not api.search(run.experiment_id, **{KEY_TAG: key, PARENT_TAG: run_id}):
                api.log_batch(run_id, tags=pairs({MAKER_TAG: found[0].url}, MAX_TAG_CHARS))
                return
            files = {k: v for k, v in api.files(found[0].run_id).items() if _is_shown(k, v)}
            for name in sorted(files)[:MAX_FILES]:
                api.upload(run, name, api.download(found[0].run_id, name))
    except OrreryError as error:
        logger.warning("the headline of MLflow run %s is lost: %s", run_id, error)


def _is_shown(name: str, num_bytes: int) -> bool:
    return PurePosixPath(name).suffix in _SHOWN and num_bytes <= MAX_FILE_BYTES
