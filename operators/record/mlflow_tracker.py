"""Records in MLflow: the runs of pipelines and stages, their numbers, pictures and documents.

Tests read everything back with MLflow's own client. Metrics travel in batches, since a batch of
1,000 takes as long as 30 single ones.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from operators.record.mlflow_api import (
    MAX_TAG_CHARS,
    PARENT_TAG,
    GoneError,
    MlflowApi,
    Run,
    now_ms,
    pairs,
)
from operators.record.model_registry import MlflowModels
from operators.tries import MLFLOW_PAUSE_SHARE, MLFLOW_POLL_S, MLFLOW_RETURN_S
from tasks.core.digests import digest
from tasks.core.errors import ResourceError, TransientError

MAX_BATCH_METRICS = 1000
MAX_BATCH_PARAMS = 100
MAX_PARAM_CHARS = 6000
FLUSH_INTERVAL_S = 2.0
# Records that wait for a server that is away: half an hour of numbers, and some pictures.
MAX_WAITING = 1000
CHILD_TAG = "orrery.child"

logger = logging.getLogger(__name__)


def open_run(
    tracking_uri: str, experiment: str, name: str, tags: Mapping[str, str], note: str = ""
) -> Run:
    """Open the parent run of a DAG run, or find it again by its tags.

    ``airflow.dag_id`` and ``airflow.run_id`` identify it. The note, in Markdown, describes the
    pipeline.

    Raises:
        TransientError: The server can't be reached.
    """
    with MlflowApi(tracking_uri) as api:
        experiment_id = api.experiment(experiment, note)
        key = {tag: tags[tag] for tag in ("airflow.dag_id", "airflow.run_id")} | {
            "orrery.role": "pipeline"
        }
        found = api.search(experiment_id, **key)
        if not found:
            return api.create(experiment_id, name, {**tags, **key})
        api.set_status(found[0].run_id, "RUNNING")
        return found[0]


def close_run(tracking_uri: str, run_id: str, status: str) -> bool:
    """Close a parent run as ``FINISHED`` or ``FAILED``.

    Each run below whose driver did not live to close it is closed as killed.

    Returns:
        Whether there was such a run: one that a person deleted has no status to agree with.

    Raises:
        TransientError: The server can't be reached.
    """
    with _unless_deleted("its status"), MlflowApi(tracking_uri) as api:
        for child in api.children(api.get(run_id), "RUNNING"):
            for each in [*api.children(child, "RUNNING"), child]:
                api.set_status(each.run_id, "KILLED")
        api.set_status(run_id, status)
        return True
    return False


def tag_run(tracking_uri: str, run_id: str, tags: Mapping[str, str]) -> None:
    """Label a run, unless a person deleted it.

    Raises:
        TransientError: The server can't be reached.
    """
    with _unless_deleted("a label"), MlflowApi(tracking_uri) as api:
        api.log_batch(run_id, tags=pairs(tags, MAX_TAG_CHARS))


class MlflowTracker:
    """A `tasks.core.ports.Tracker` that writes to one MLflow run.

    Records are for people, results are not: once the run is open, nothing that befalls the server
    fails the stage. What the server refuses is dropped with a warning. While it is away, records
    wait, and the run's end waits for it. Several threads may record at once.
    """

    def __init__(self, tracking_uri: str, run: Run, *, scope: str = "") -> None:
        """Write to an open run; see `start`. Children of one scope are told by their names."""
        self.run = run
        self._scope = scope or run.run_id
        self._tracking_uri = tracking_uri
        self._api = MlflowApi(tracking_uri)
        self._metrics: list[dict[str, Any]] = []
        self._flushed_s = time.monotonic()
        self._waiting: deque[tuple[str, Callable[[], None]]] = deque(maxlen=MAX_WAITING)
        self._ask_again_s = 0.0
        self._lock = threading.RLock()

    @classmethod
    def start(
        cls, tracking_uri: str, parent_run_id: str | None, stage: str, tags: Mapping[str, str]
    ) -> Self:
        """Open a stage's run below the DAG run's; without one, in the experiment ``stages``.

        So it is with one that a person deleted, too.

        Raises:
            TransientError: The server can't be reached.
        """
        with MlflowApi(tracking_uri) as api:
            with _unless_deleted(f"the place of {stage} below it"):
                if parent_run_id:
                    parent = api.get(parent_run_id)
                    own = {**parent.inherited_tags, **tags, PARENT_TAG: parent_run_id}
                    scope = digest([parent_run_id, stage, dict(tags)])
                    name = f"{stage} · {parent.name}"
                    run = api.create(parent.experiment_id, name, own)
                    return cls(tracking_uri, run, scope=scope)
            return cls(tracking_uri, api.create(api.experiment("stages"), stage, tags))

    @property
    def models(self) -> MlflowModels:
        """The registry of the same server."""
        return MlflowModels(self._tracking_uri, self.run)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record numbers under their names; values are sent in batches."""
        stamp_ms = now_ms()
        with self._lock:
            for name, value in metrics.items():
                number = float(value)
                self._metrics.append(
                    {
                        "key": name,
                        "value": number if math.isfinite(number) else _not_finite(number),
                        "timestamp": stamp_ms,
                        "step": step,
                    }
                )
        is_due = time.monotonic() - self._flushed_s > FLUSH_INTERVAL_S
        if is_due or len(self._metrics) >= MAX_BATCH_METRICS:
            self.flush()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record settings; a nested value is recorded as JSON."""
        settings = pairs({k: _text(v) for k, v in params.items()}, MAX_PARAM_CHARS)
        for start in range(0, len(settings), MAX_BATCH_PARAMS):
            self._record("params", params=settings[start : start + MAX_BATCH_PARAMS])

    def log_figure(self, path: Path, name: str) -> None:
        """Record a picture that stands in a local file, under a path such as ``seams.png``."""
        self._upload(name, path.read_bytes())

    def log_json(self, value: Any, name: str) -> None:
        """Record a JSON document under a path such as ``quality.json``."""
        self._upload(name, json.dumps(value, indent=1, default=str).encode())

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""
        self._record("tags", tags=pairs(tags, MAX_TAG_CHARS))

    def log_child(
        self,
        name: str,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
        figures: Mapping[str, Path] | None = None,
    ) -> None:
        """Record a part of the stage as a run below; an earlier try's is updated."""
        # MLflow's params can't change: a child with other params is another one.
        key = digest([self._scope, name, {k: _text(v) for k, v in params.items()}])
        own = {**self.run.inherited_tags, **(tags or {})}
        own |= {CHILD_TAG: key, PARENT_TAG: self.run.run_id}
        try:
            found = self._api.search(self.run.experiment_id, **{CHILD_TAG: key})
            run = found[0] if found else self._api.create(self.run.experiment_id, name, own)
        except (TransientError, ResourceError) as error:
            logger.warning("child %s of MLflow run %s is lost: %s", name, self.run.run_id, error)
            return
        child = MlflowTracker(self._tracking_uri, run)
        child.set_tags(own)
        child.log_params(params)
        child.log_metrics(metrics)
        for figure, path in (figures or {}).items():
            child.log_figure(path, figure)
        child.finish("FINISHED")

    def flush(self) -> None:
        """Send the numbers that wait."""
        with self._lock:
            waiting, self._metrics = self._metrics, []
        for start in range(0, len(waiting), MAX_BATCH_METRICS):
            self._record("metrics", metrics=waiting[start : start + MAX_BATCH_METRICS])
        self._flushed_s = time.monotonic()

    def finish(self, status: str) -> None:
        """Send what waits and end the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self.flush()
        run_id = self.run.run_id
        # Who is told to end goes: the servers may be ending, too.
        patience_s = 0.0 if status == "KILLED" else MLFLOW_RETURN_S
        self._send("the end", lambda: self._api.set_status(run_id, status), patience_s)
        self.close()

    def close(self) -> None:
        """Send what waits, and leave the run open."""
        self.flush()
        self._api.close()
        if self._waiting:
            lost = ", ".join(sorted({what for what, _ in self._waiting}))
            logger.warning("%s of MLflow run %s are lost", lost, self.run.run_id)

    def _record(self, what: str, **lists: list[dict[str, Any]]) -> None:
        self._send(what, lambda: self._api.log_batch(self.run.run_id, **lists))

    def _upload(self, name: str, data: bytes) -> None:
        self._send(name, lambda: self._api.upload(self.run, name, data))

    def _send(self, what: str, call: Callable[[], None], patience_s: float = 0.0) -> None:
        """Send a record, after those that wait for the server's return."""
        with self._lock:
            self._send_in_turn(what, call, patience_s)

    def _send_in_turn(self, what: str, call: Callable[[], None], patience_s: float) -> None:
        self._waiting.append((what, call))
        begun_s = time.monotonic()
        if begun_s < self._ask_again_s and not patience_s:
            return
        while self._waiting:
            what, call = self._waiting[0]
            try:
                call()
            except TransientError as error:
                asked_s = time.monotonic() - begun_s
                if asked_s >= patience_s:
                    pause_s = max(MLFLOW_POLL_S, MLFLOW_PAUSE_SHARE * asked_s)
                    self._ask_again_s = time.monotonic() + pause_s
                    logger.warning("records of MLflow run %s wait: %s", self.run.run_id, error)
                    return
                time.sleep(MLFLOW_POLL_S)
                continue
            except ResourceError as error:
                logger.warning("%s of MLflow run %s is lost: %s", what, self.run.run_id, error)
            self._waiting.popleft()


@contextmanager
def _unless_deleted(what: str) -> Iterator[None]:
    """Let what a deleted run was to hold be lost, and say so: the work is none the worse."""
    try:
        yield
    except GoneError as error:
        logger.warning("the run was deleted in MLflow, and %s is lost: %s", what, error)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _not_finite(number: float) -> str:
    """JSON has no such numbers; protobuf's JSON spells them as text."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
