"""Runs one stage: puts its context together, keeps its result. Also the command of its job.

    python -m operators.stage.run --pipeline restitch \
        --stage tasks.panorama.stages.match:match_captures \
        --config '{"seed": 0, "match": {}}' --inputs '[…]' --context '{"run_id": "…"}'

Each JSON may stand in a file, given as ``@path``. The last line of the output is
``ORRERY_RESULT [refs]``, or ``ORRERY_ERROR {"type": …, "message": …}`` with exit code 75 where
the same call may succeed later, 65 for the other errors of Orrery, 70 for any other. SIGTERM
ends it with 143 and leaves nothing half-written; what is committed serves the next call.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import platform
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from pydantic import ValidationError

from operators.compute.limits import Limits
from operators.record.trackers import LocalTracker, NullTracker
from operators.stage.item_pool import Journal
from operators.stage.items import StageItems
from operators.stage.key import Declaration
from operators.stage.plan import Plan, RunContext, StageRequest, find_finished
from operators.store.artifacts import StageStore, finished, mark_finished, read_artifact
from operators.store.storage import TRAINING
from tasks.core.config import config_json
from tasks.core.errors import ConfigError, OrreryError, ResourceError, TransientError
from tasks.core.ports import Executor, ModelRegistry, Resources, Tracker
from tasks.core.records import ArtifactRef
from tasks.core.stages import spec_of

__all__ = ["RunContext", "StageRequest", "find_finished", "main", "run_stage"]

logger = logging.getLogger(__name__)

EXIT_TRANSIENT, EXIT_ORRERY, EXIT_OTHER = 75, 65, 70


class StageExecutor(Executor, Protocol):
    """An executor as a stage is given it."""

    @property
    def has_workers(self) -> bool:
        """Whether calls run in processes that may be ended to stop them."""

    @property
    def max_in_flight(self) -> int:
        """Calls that keep it busy."""

    @property
    def available_gpus(self) -> float:
        """GPUs that it can give."""

    def granted(
        self, num_cpus: float, num_gpus: float, memory_gb: float | None, checkpoints: str
    ) -> StageExecutor:
        """Return the executor whose calls use so much, and whose trainings are kept there."""


class RunTracker(Tracker, Protocol):
    """A tracker that ends with its stage."""

    @property
    def models(self) -> ModelRegistry:
        """The model registry beside the runs."""

    def finish(self, status: str) -> None:
        """End the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""


def run_stage(
    request: StageRequest,
    executor: StageExecutor | None = None,
    tracker: RunTracker | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> list[ArtifactRef]:
    """Return the results of a stage, from the store if it has finished before.

    Args:
        request: The call.
        executor: Runs the parallel work; what the profile names if None.
        tracker: Receives the numbers; what the context names if None.
        on_ready: Called when all is loaded, right before the stage runs.

    Raises:
        OrreryError: See `tasks.core.errors`; only `TransientError` is worth a retry.
    """
    plan = Plan.of(request)
    found = finished(plan.storage, plan.folder(plan.key(plan.wished_device)))
    if found is None:
        executor = executor or _connect(plan.profile.ray_address)
        device = _device(plan, executor)
        found = finished(plan.storage, plan.folder(plan.key(device)))
        if found is None:
            return _run(plan, device, executor, tracker, on_ready)
    logger.info("%s: found its finished result, key %s", plan.name, found[0].uri if found else "")
    return found


@dataclass(frozen=True)
class RunningStage:
    """The world of one running stage; see `tasks.core.ports.StageContext`.

    Attributes:
        stage: Name of the stage.
        store: Keeps its results.
        items: Runs and commits its items.
        executor: Runs its other parallel work.
        tracker: Receives its numbers.
        resources: What it runs on.
        scratch: Folder for the driver's own files.
        plan: The call.
    """

    stage: str
    store: StageStore
    items: StageItems
    executor: StageExecutor
    tracker: RunTracker
    resources: Resources
    scratch: Path
    plan: Plan

    @property
    def models(self) -> ModelRegistry:
        """Keeps networks for later use."""
        return self.tracker.models

    @property
    def seed(self) -> int:
        """Root seed of the run."""
        self._require("draws")
        return self.plan.seed

    @property
    def num_groups(self) -> int:
        """Into how many groups the stage may split its result."""
        self._require("fans_out")
        return self.plan.profile.num_jobs

    def _require(self, declared: str) -> None:
        if not getattr(self.plan.declaration.spec, declared):
            raise ConfigError(f"{self.stage}: declare it with {declared}=True, its key lacks it")


def _connect(address: str) -> StageExecutor:
    if not address:
        from operators.compute.serial import SerialExecutor

        return SerialExecutor()
    from operators.compute.ray_executor import RayExecutor

    return RayExecutor.connect(address)


def _device(plan: Plan, executor: StageExecutor) -> str:
    """Device class that the stage runs on.

    Raises:
        ResourceError: It needs a GPU and there is none.
    """
    wished, needed = plan.declaration.spec.device, plan.resources.num_gpus
    if plan.wished_device == "cpu":
        return "cpu"
    if needed and executor.available_gpus >= needed:
        return "gpu"
    granted = f"its profile {plan.request.context.profile!r} grants {needed:g} GPUs a call"
    lack = f"{granted} and the cluster has {executor.available_gpus:g}"
    if wished == "gpu":
        raise ResourceError(
            f"{plan.name} needs a GPU, but {lack}: add a GPU node, and num_gpus to its entry in "
            "the profile"
        )
    logger.info("%s runs on the CPU: %s", plan.name, lack)
    return "cpu"


def _run(
    plan: Plan,
    device: str,
    executor: StageExecutor,
    tracker: RunTracker | None,
    on_ready: Callable[[], None],
) -> list[ArtifactRef]:
    function = _load(plan.declaration)
    ctx = open_context(plan, device, executor, tracker)
    status = "FAILED"
    try:
        ctx.tracker.log_params(config_json(plan.config))
        on_ready()
        returned = function(*plan.request.inputs, plan.config, ctx)
        refs = _refs(returned, plan)
        mark_finished(plan.storage, plan.folder(plan.key(device)), refs)
        for index, ref in enumerate(refs):
            manifest = read_artifact(plan.storage, ref).model_dump(mode="json")
            ctx.tracker.log_json(manifest, f"manifest{index or ''}.json")
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        ctx.store.close()
        shutil.rmtree(ctx.scratch, ignore_errors=True)
        ctx.tracker.finish(status)
    return refs


def _load(declaration: Declaration) -> Callable[..., Any]:
    module, _, name = declaration.stage.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise ResourceError(
            f"{declaration.spec.name} can't be loaded: {error}; install the locked packages"
        ) from error
    if spec_of(function) != declaration.spec:
        raise ConfigError(f"{declaration.stage} changed while it was being loaded; run it again")
    return function


def _refs(returned: Any, plan: Plan) -> list[ArtifactRef]:
    """Check that a stage returned what it declares."""
    fans_out = plan.declaration.spec.fans_out
    refs = list(returned) if fans_out and isinstance(returned, list | tuple) else [returned]
    if not all(isinstance(ref, ArtifactRef) for ref in refs):
        expected = "a list of ArtifactRefs" if fans_out else "one ArtifactRef (or declare fans_out)"
        raise TypeError(f"{plan.declaration.stage}: expected {expected}, got {returned!r}")
    return refs


def open_context(
    plan: Plan, device: str, executor: StageExecutor, tracker: RunTracker | None = None
) -> RunningStage:
    """Put together what a stage may touch.

    Args:
        plan: The call.
        device: Device class that it runs on.
        executor: Runs its parallel work.
        tracker: Receives its numbers; what the plan names if None.
    """
    key, granted = plan.key(device), plan.resources
    num_gpus = granted.num_gpus if device == "gpu" else 0.0
    executor = executor.granted(
        granted.num_cpus, num_gpus, granted.memory_gb, f"{plan.storage.uri}/{TRAINING}/{key}"
    )
    provenance = _provenance(plan, device)
    tracker = tracker or _open_tracker(plan, {"device": device, "key": key})
    limits = Limits(
        max(1, int(granted.num_cpus)), granted.limit_s, granted.memory_gb, executor.has_workers
    )
    work = {
        "storage": plan.storage,
        "folder": plan.folder("items"),
        "spec": plan.declaration.spec,
        "key_parts": plan.parts(device),
        "seed": plan.seed,
        "limits": limits,
        "provenance": provenance,
    }
    journal = Journal(plan.storage, plan.folder(f"{key}-journal"))
    items = StageItems(work, executor, tracker, executor.max_in_flight, journal)

    def at_end() -> dict[str, Any]:
        finished_at = datetime.now(UTC).isoformat()
        return provenance | {"finished": finished_at, "items": dict(items.counts)}

    return RunningStage(
        stage=plan.name,
        store=StageStore(plan.storage, plan.folder(key), plan.declaration.spec, key, at_end),
        items=items,
        executor=executor,
        tracker=tracker,
        resources=Resources(num_cpus=granted.num_cpus, num_gpus=num_gpus, device=device),
        scratch=Path(tempfile.mkdtemp(prefix="orrery-scratch-")),
        plan=plan,
    )


def _provenance(plan: Plan, device: str) -> dict[str, Any]:
    return {
        "run": plan.request.context.model_dump(exclude={"store_uri", "tracking_uri"}),
        "device": device,
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "libraries": plan.parts(device)["libraries"],
        "code": plan.declaration.code,
        "started": datetime.now(UTC).isoformat(),
    }


def _open_tracker(plan: Plan, tags: dict[str, str]) -> RunTracker:
    context = plan.request.context
    uri = plan.profile.tracking_uri if context.tracking_uri is None else context.tracking_uri
    if not uri:
        return NullTracker()
    if "://" not in uri:
        return LocalTracker(Path(uri) / plan.name)
    from operators.record.mlflow_tracker import MlflowTracker

    return MlflowTracker.start(uri, context.parent_run_id, plan.name, tags)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        refs = run_stage(_request(arguments), on_ready=_exit_on_signals)
    except Exception as error:
        logger.exception("the stage failed")
        _say("ORRERY_ERROR", {"type": type(error).__name__, "message": str(error)})
        if isinstance(error, TransientError):
            return EXIT_TRANSIENT
        return EXIT_ORRERY if isinstance(error, OrreryError) else EXIT_OTHER
    _say("ORRERY_RESULT", [ref.model_dump() for ref in refs])
    return 0


def _request(arguments: Sequence[str] | None) -> StageRequest:
    parser = argparse.ArgumentParser(prog="python -m operators.stage.run", description=__doc__)
    for name in ("pipeline", "stage"):
        parser.add_argument(f"--{name}", required=True)
    for name, default in (("config", "{}"), ("inputs", "[]"), ("context", None)):
        parser.add_argument(f"--{name}", default=default, required=default is None, metavar="JSON")
    given = vars(parser.parse_args(arguments))
    try:
        for name in ("config", "inputs", "context"):
            text = given[name]
            given[name] = json.loads(Path(text[1:]).read_text() if text[:1] == "@" else text)
        return StageRequest(**given)
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(f"the arguments can't be read: {error}") from error


def _say(word: str, value: Any) -> None:
    sys.stderr.flush()
    sys.stdout.write(f"{word} {json.dumps(value)}\n")
    sys.stdout.flush()


def _exit_on_signals() -> None:
    """Leave through the ``finally`` clauses; set after libraries that catch signals loaded."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)


if __name__ == "__main__":
    sys.exit(main())
