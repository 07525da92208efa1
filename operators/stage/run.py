"""Runs one stage and keeps its result. Also the command of its job; see `operators.stage.request`.

SIGTERM ends it with 143 and leaves nothing half-written; what is committed serves the next call.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from operators.compute.serial import SerialExecutor
from operators.installed_code import check_code
from operators.plain_log import log_plainly
from operators.stage.context import RunTracker, StageExecutor, open_context
from operators.stage.key import Declaration
from operators.stage.plan import PlacedCall, Plan
from operators.stage.request import StageRequest, parse_request, parse_word, say_error, say_result
from operators.store.artifacts import mark_finished, read_artifact
from operators.store.storage import disk_faults
from operators.tries import STORE_PAUSE_S
from tasks.core.config import config_json
from tasks.core.errors import ConfigError, NotWritableError, ResourceError
from tasks.core.records import ArtifactRef
from tasks.core.stages import spec_of

MAX_TOLD_BYTES = 5_000_000

logger = logging.getLogger(__name__)


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
        tracker: Receives the numbers; what the caller names if None.
        on_ready: Called when all is loaded, right before the stage runs.

    Raises:
        OrreryError: See `tasks.core.errors`; only `TransientError` is worth a retry.
    """
    caller = request.caller
    check_code(caller.code, "the one that submitted this job", caller.code_folder)
    plan = Plan.of(request)
    call = plan.on(plan.wished_device)
    if (found := call.finished()) is not None:
        return _found(call, found)
    executor = executor or _connect(plan.profile.ray_address)
    device = _device(plan, executor)
    if device != call.device:
        call = plan.on(device)
        if (found := call.finished()) is not None:
            return _found(call, found)
    return _run(call, executor, tracker, on_ready)


def run_twice(
    request: StageRequest, on_ready: Callable[[], None] = lambda: None
) -> list[ArtifactRef]:
    """Run a stage, once more where a disk was full or read-only; see `run_stage`.

    Raises:
        ResourceError: It was so the second time, too.
    """
    try:
        return run_stage(request, on_ready=on_ready)
    except NotWritableError as error:
        logger.warning("%s. Tried once more in %.0f s", error, STORE_PAUSE_S)
    _disconnect()  # what was in flight ends, so that nothing is made twice at a time
    time.sleep(STORE_PAUSE_S)
    try:
        return run_stage(request, on_ready=on_ready)
    except NotWritableError as error:
        raise ResourceError(f"{error}. It was so {STORE_PAUSE_S:.0f} s before, too") from error


def _found(call: PlacedCall, refs: list[ArtifactRef]) -> list[ArtifactRef]:
    logger.info("%s: found its finished result, key %s", call.plan.name, call.key)
    return refs


def _connect(address: str) -> StageExecutor:
    if not address:
        return SerialExecutor()
    from operators.compute.ray_executor import RayExecutor

    return RayExecutor.connect(address)


def _disconnect() -> None:
    if "operators.compute.ray_executor" in sys.modules:
        sys.modules["operators.compute.ray_executor"].disconnect()


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
    granted = f"its profile {plan.request.caller.profile!r} grants {needed:g} GPUs a call"
    lack = f"{granted} and the cluster has {executor.available_gpus:g}"
    if wished == "gpu":
        raise ResourceError(
            f"{plan.name} needs a GPU, but {lack}: add a GPU node, and num_gpus to its entry in "
            "the profile"
        )
    logger.info("%s runs on the CPU: %s", plan.name, lack)
    return "cpu"


def _run(
    call: PlacedCall,
    executor: StageExecutor,
    tracker: RunTracker | None,
    on_ready: Callable[[], None],
) -> list[ArtifactRef]:
    plan = call.plan
    function = _load(plan.declaration, len(plan.request.inputs))
    ctx = open_context(call, executor, tracker)
    status = "FAILED"
    try:
        ctx.tracker.log_params(config_json(plan.config))
        on_ready()
        with disk_faults(f"a file of {plan.name}", ctx.scratch):
            returned = function(*plan.request.inputs, plan.config, ctx)
            refs = _refs(returned, plan.declaration)
            mark_finished(plan.storage, ctx.store.folder, refs)
        for index, ref in enumerate(refs):
            ctx.tracker.log_json(_shown(call, ref), f"manifest{index or ''}.json")
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        ctx.close(status)
    return refs


def _shown(call: PlacedCall, ref: ArtifactRef) -> dict[str, Any]:
    """What a run's record says of a result: all; where it lies if it is large, or an earlier's."""
    manifest = read_artifact(call.plan.storage, ref)
    is_told = manifest.key == call.key and len(manifest.to_bytes()) <= MAX_TOLD_BYTES
    return (manifest if is_told else ref).model_dump(mode="json")


def _load(declaration: Declaration, num_inputs: int) -> Callable[..., Any]:
    module, _, name = declaration.stage.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise ResourceError(
            f"{declaration.spec.name} can't be loaded: {error}; install the locked packages"
        ) from error
    *inputs, _, _ = inspect.signature(function).parameters  # the last are config and ctx
    if len(inputs) != num_inputs:
        raise ConfigError(
            f"{declaration.stage}: expected {len(inputs)} inputs ({', '.join(inputs) or 'none'}), "
            f"got {num_inputs}; give one for each, in their order"
        )
    if spec_of(function) != declaration.spec:
        raise ConfigError(f"{declaration.stage} changed while it was being loaded; run it again")
    return function


def _refs(returned: Any, declaration: Declaration) -> list[ArtifactRef]:
    """Check that a stage returned what it declares."""
    fans_out = declaration.spec.fans_out
    refs = list(returned) if fans_out and isinstance(returned, list | tuple) else [returned]
    if not all(isinstance(ref, ArtifactRef) for ref in refs):
        expected = "a list of ArtifactRefs" if fans_out else "one ArtifactRef (or declare fans_out)"
        raise TypeError(f"{declaration.stage}: expected {expected}, got {returned!r}")
    return refs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    log_plainly("%(asctime)s %(levelname)s %(name)s: %(message)s")
    word = parse_word(arguments)
    try:
        refs = run_twice(parse_request(arguments), on_ready=_exit_on_signals)
    except Exception as error:
        logger.exception("the stage failed")
        return say_error(error, word)
    return say_result(refs, word)


def _exit_on_signals() -> None:
    """Leave through the ``finally`` clauses; set after libraries that catch signals loaded."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)


if __name__ == "__main__":
    sys.exit(main())
