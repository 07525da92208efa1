"""The world of one running stage, put together from its plan."""

from __future__ import annotations

import platform
import shutil
import socket
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from operators.items.pool import Journal
from operators.items.stage_items import StageItems
from operators.items.work import StageWork
from operators.owners import owner
from operators.processes.limits import Limits
from operators.record.trackers import NullTracker
from operators.stage.model_server import HttpModelServer
from operators.stage.plan import PlacedCall
from operators.store.artifacts import StageStore
from operators.store.storage import storage_errors
from tasks.core.errors import ConfigError
from tasks.core.models import ModelRegistry, ModelServer
from tasks.core.ports import Executor, Resources, Tracker
from tasks.core.records import FileRef


class StageExecutor(Executor, Protocol):
    """An executor as a stage is given it."""

    @property
    def has_workers(self) -> bool:
        """Whether calls run in processes that may be ended to stop them."""

    @property
    def max_in_flight(self) -> int:
        """Calls that keep it busy."""

    @property
    def max_trainings(self) -> int:
        """Trainings that keep it busy."""

    @property
    def num_workers(self) -> int:
        """Processes of one training."""

    @property
    def available_gpus(self) -> float:
        """GPUs that it can give."""

    def granted(
        self, num_cpus: float, num_gpus: float, memory_gb: float | None, num_workers: int
    ) -> StageExecutor:
        """Return the executor whose calls use so much, and whose trainings so many of them."""


class RunTracker(Tracker, Protocol):
    """A tracker that ends with its stage."""

    @property
    def models(self) -> ModelRegistry:
        """The model registry beside the runs."""

    def finish(self, status: str) -> None:
        """End the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""


@dataclass(frozen=True)
class LiveContext:
    """The world of one running stage; see `tasks.core.ports.StageContext`.

    Attributes:
        call: The call, and its key.
        store: Keeps its results.
        items: Runs and commits its items.
        executor: Runs its other parallel work.
        tracker: Receives its numbers.
        resources: What it runs on.
        scratch: Folder for the driver's own files.
    """

    call: PlacedCall
    store: StageStore
    items: StageItems
    executor: StageExecutor
    tracker: RunTracker
    resources: Resources
    scratch: Path

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return self.call.plan.name

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.call.plan.request.caller.run_id

    def add_picture(self, name: str, picture: npt.NDArray[np.uint8] | bytes) -> FileRef:
        """Keep a picture and show it with the run."""
        from tasks.report.picture import encode  # loads OpenCV, which finding results does without

        path = self.scratch / name
        with storage_errors(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(picture, name))
        self.tracker.log_figure(path, name)
        return self.store.add(path, name)

    @property
    def models(self) -> ModelRegistry:
        """Keeps networks for later use."""
        return self.tracker.models

    @property
    def server(self) -> ModelServer:
        """Answers for them in traffic."""
        return HttpModelServer(self.call.plan.profile.serving_api)

    @property
    def seed(self) -> int:
        """Root seed of the run."""
        self._require("draws")
        return self.call.plan.seed

    @property
    def num_groups(self) -> int:
        """Into how many groups the stage may split its result."""
        self._require("fans_out")
        return self.call.plan.profile.num_jobs

    def close(self, status: str) -> None:
        """Drop what was not written, and end the stage's run with a status of MLflow's."""
        self.store.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.tracker.finish(status)

    def _require(self, declared: str) -> None:
        if not getattr(self.call.plan.declaration.spec, declared):
            raise ConfigError(f"{self.stage}: declare it with {declared}=True, its key lacks it")


def open_context(
    call: PlacedCall, executor: StageExecutor, tracker: RunTracker | None = None
) -> LiveContext:
    """Put together what a stage may touch; without a tracker, it gets the one the plan names."""
    plan, granted, spec = call.plan, call.plan.resources, call.plan.declaration.spec
    num_gpus = granted.num_gpus if call.device == "gpu" else 0.0
    executor = executor.granted(granted.num_cpus, num_gpus, granted.memory_gb, plan.num_workers)
    provenance = _provenance(call)
    tracker = tracker or _open_tracker(call)
    work = StageWork(
        storage=plan.storage,
        folder=call.beside("items"),
        spec=spec,
        key_parts=call.parts,
        seed=plan.seed,
        limits=Limits(granted.limit_s, granted.memory_gb, executor.has_workers),
        provenance=provenance,
    )
    journal = Journal(plan.storage, call.beside(f"{call.key}-journal"))
    items = StageItems(
        work, executor, tracker, executor.max_in_flight, journal, executor.max_trainings
    )

    def at_end() -> dict[str, Any]:
        finished_at = datetime.now(UTC).isoformat()
        return provenance | {"finished": finished_at, "items": dict(items.counts)}

    def own_folder() -> str:
        return call.own_folder if spec.reads_outside or items.lacks_some else ""

    return LiveContext(
        call=call,
        store=StageStore(plan.storage, call.folder, spec, call.key, at_end, own_folder),
        items=items,
        executor=executor,
        tracker=tracker,
        resources=Resources(
            num_cpus=granted.num_cpus,
            num_gpus=num_gpus,
            device=call.device,
            num_workers=executor.num_workers,
        ),
        scratch=_scratch(),
    )


def _scratch() -> Path:
    with storage_errors(f"{tempfile.gettempdir()}/orrery-scratch-*"):
        return Path(tempfile.mkdtemp(prefix=f"orrery-scratch-{owner()}-"))


def _provenance(call: PlacedCall) -> dict[str, Any]:
    return {
        "run": call.plan.request.caller.model_dump(exclude={"store_uri", "tracking_uri"}),
        "device": call.device,
        "num_workers": call.plan.num_workers,
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "libraries": call.parts["libraries"],
        "code": call.plan.declaration.code,
        "started": datetime.now(UTC).isoformat(),
    }


def _open_tracker(call: PlacedCall) -> RunTracker:
    plan, caller = call.plan, call.plan.request.caller
    uri = plan.profile.tracking_uri if caller.tracking_uri is None else caller.tracking_uri
    if not uri:
        return NullTracker()
    from operators.record.headline import KEY_TAG
    from operators.record.mlflow_tracker import MlflowTracker
    from operators.record.source import source_tags

    tags = {"device": call.device, KEY_TAG: call.key, **source_tags(plan.request.stage)}
    return MlflowTracker.start(uri, caller.parent_run_id, plan.name, tags)
