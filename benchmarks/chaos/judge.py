"""What came of a fault: from the store's manifests and their provenance, and what people see.

- *Lost*: items that a run without fault commits and this one, green, has not. Where results
  repeat to the bit they are compared by the digests of their content, elsewhere by their number.
- *Doubled*: a driver says in its result how many items it made, and each item names the start of
  the driver that committed it. What a driver made beyond what it committed was committed by
  another; if that was before the driver began, it was not in flight, and so made twice.
- *Wrong colour*: Airflow, MLflow and the content disagree. A run is green if and only if MLflow
  calls it finished and every stage's result can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.chaos.work import EXACT
from benchmarks.full_stack import FullStack
from operators.schedule.stage_operator import OPEN_RUN
from operators.store.artifacts import read_artifact
from operators.store.manifests import Manifest
from operators.store.storage import Storage
from tasks.core.errors import OrreryError
from tasks.core.records import ArtifactRef

_NO_STAGES = (OPEN_RUN, "close_run")

Items = Counter[tuple[str, str]]


class Ended(BaseModel):
    """How one run ended.

    Attributes:
        dag_id: Its pipeline.
        run_id: The run.
        state: As Airflow calls it; ``running`` if it did not end in time.
        mlflow: As MLflow calls it.
        tries: Greatest number of tries of a task.
        is_whole: Whether the result of every stage can be read.
        seconds: From the trigger to the end.
        saw: Tasks that did not succeed, or not at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dag_id: str
    run_id: str
    state: str
    mlflow: str
    tries: int
    is_whole: bool
    seconds: float
    saw: str

    @property
    def is_green(self) -> bool:
        """Whether Airflow calls it a success."""
        return self.state == "success"

    @property
    def has_wrong_colour(self) -> bool:
        """Whether those who tell of it disagree."""
        told = {"success": "FINISHED", "failed": "FAILED"}.get(self.state)
        return told != self.mlflow or (self.is_green and not self.is_whole)


def ended(
    stack: FullStack, dag_id: str, run_id: str, state: str, store: Path, seconds: float
) -> Ended:
    """Ask the servers and the store how a run ended."""
    tasks = stack.tasks(dag_id, run_id)
    stages = [task for task in tasks if task["task_id"] not in _NO_STAGES]
    return Ended(
        dag_id=dag_id,
        run_id=run_id,
        state=state,
        mlflow=stack.mlflow_status(dag_id, run_id),
        tries=max((task["try_number"] for task in tasks), default=0),
        is_whole=all(_is_readable(stack.results(dag_id, run_id, each), store) for each in stages),
        seconds=seconds,
        saw=", ".join(filter(None, map(_saw, tasks))) or "nothing",
    )


def committed(store: Path, dag_id: str) -> Items:
    """Items that a store holds of a pipeline: their stage, and the digest of the content.

    Where results don't repeat to the bit the digest is left out, so that items only count.
    """
    exact = dag_id in EXACT
    return Counter((each.stage, each.sha256 if exact else "") for each, _ in _items(store, dag_id))


def lost(calm: Items, store: Path, dag_id: str) -> int:
    """Number of items of a run without fault that a store does not hold."""
    return (calm - committed(store, dag_id)).total()


def doubled(store: Path, dag_id: str) -> int:
    """Number of items that a driver made although they had been committed before it began."""
    items: dict[str, list[tuple[Manifest, float]]] = {}
    for manifest, written_s in _items(store, dag_id):
        items.setdefault(manifest.stage, []).append((manifest, written_s))
    calls: dict[tuple[str, str], Mapping[str, Any]] = {}
    for path in (store / dag_id).glob("*/*/manifest.json"):
        manifest = Manifest.parse(path.read_bytes(), str(path))
        # All groups that a call fans out to tell of the whole call.
        calls[manifest.stage, manifest.provenance["started"]] = manifest.provenance["items"]
    return sum(
        _made_again(items.get(stage, []), started, int(told["made"]))
        for (stage, started), told in calls.items()
    )


def _made_again(items: list[tuple[Manifest, float]], started: str, num_made: int) -> int:
    """How many items a driver made that were committed before it began."""
    begun_s = datetime.fromisoformat(started).timestamp()
    own = sum(each.provenance["started"] == started for each, _ in items)
    in_flight = sum(
        each.provenance["started"] != started and written_s >= begun_s for each, written_s in items
    )
    return int(max(0, num_made - own - in_flight))


def _items(store: Path, dag_id: str) -> Iterator[tuple[Manifest, float]]:
    """Committed items of a pipeline, and when each was."""
    for path in (store / dag_id).glob("*/items/*/manifest.json"):
        yield Manifest.parse(path.read_bytes(), str(path)), path.stat().st_mtime


def _is_readable(refs: list[dict[str, str]], store: Path) -> bool:
    """Whether a task returned something, and the store holds it whole."""
    try:
        return bool(refs) and all(
            read_artifact(Storage(str(store)), ArtifactRef(**each)) for each in refs
        )
    except (OrreryError, TypeError, ValueError):
        return False


def _saw(task: Mapping[str, Any]) -> str:
    """What a task's square shows, if it is not plain green."""
    name, state, tries = task["task_id"], task["state"], task["try_number"]
    if state != "success":
        return f"{name} {state or 'not run'}"
    return f"{name} green at try {tries}" if tries > 1 else ""
