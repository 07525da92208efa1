"""Trains a plain torch loop on Ray Train's workers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ray.train
from ray.train.v2.api.config import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError
from ray.train.v2.torch.torch_trainer import TorchTrainer

from operators.compute.ray_nodes import Home, check_node
from operators.tries import TRAINING_RESTARTS
from tasks.core.errors import OrreryError, TransientError

Loop = Callable[[Mapping[str, Any]], None]


def train(
    loop: Loop,
    config: Mapping[str, Any],
    num_workers: int,
    needs: Mapping[str, float],
    folder: str,
    home: Home,
) -> Mapping[str, float]:
    """Run a training loop; see `tasks.core.ports.Executor.train`.

    Args:
        loop: The loop; it runs once in each worker.
        config: What it receives, beside the callables.
        num_workers: Number of processes; torch.distributed is set up among them.
        needs: Resources of one worker, by Ray's names.
        folder: Where checkpoints are kept. The same folder in a later run goes on from them.
        home: Where the driver runs; other nodes must have the same code.
    """
    parent, _, name = folder.rstrip("/").rpartition("/")
    trainer = TorchTrainer(
        _run,
        train_loop_config={"loop": loop, "config": dict(config), "home": home},
        scaling_config=ScalingConfig(
            num_workers=num_workers,
            use_gpu=bool(needs.get("GPU")),
            resources_per_worker=dict(needs),
        ),
        run_config=RunConfig(
            name=name,
            storage_path=parent,
            failure_config=FailureConfig(max_failures=TRAINING_RESTARTS),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    try:
        reports: Mapping[str, float] = getattr(trainer.fit(), "return_value", None) or {}
    except WorkerGroupError as error:
        cause = next(iter(error.worker_failures.values()), None)
        if isinstance(cause, OrreryError):
            raise cause from error
        raise OrreryError(f"the training failed: {error}") from cause or error
    except TrainingFailedError as error:
        raise TransientError(f"the training was lost: {error}") from error
    return reports


def _run(given: dict[str, Any]) -> dict[str, float]:
    """Give the loop its callables; returns its last report."""
    check_node(given["home"])
    last: dict[str, float] = {}
    saved: list[Path] = []
    with ExitStack() as stack:

        def report(metrics: Mapping[str, float], step: int) -> None:
            last.update(metrics, step=step)
            checkpoint = ray.train.Checkpoint.from_directory(saved.pop()) if saved else None
            ray.train.report(dict(last), checkpoint=checkpoint)

        def save_checkpoint(folder: Path) -> None:
            saved[:] = [folder]

        def load_checkpoint() -> Path | None:
            checkpoint = ray.train.get_checkpoint()
            if checkpoint is None:
                return None
            path = stack.enter_context(tempfile.TemporaryDirectory())
            return Path(checkpoint.to_directory(path))

        given["loop"](
            {
                **given["config"],
                "report": report,
                "save_checkpoint": save_checkpoint,
                "load_checkpoint": load_checkpoint,
            }
        )
    return last
