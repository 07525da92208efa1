"""A training of several processes: Ray Train's workers, which torch.distributed joins.

Ray Train places the group as a whole or not at all, and ends all of it where one process is lost.
It keeps no checkpoint and tries nothing again: that is for who started the training to do. To start
two processes takes 15 s of CPU time, most of them to load torch: it is meant for minutes of work.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from operators.compute.ray_nodes import Home, check_node
from operators.plain_log import log_plainly
from operators.processes.limits import prepared
from tasks.core.errors import WorkerLostError

WORKER_DIED = "its worker died: it was killed, ran out of memory, or passed its time limit"

# How long a process may wait for another, which may compute alone meanwhile, such as a score.
_PATIENCE_S = 24 * 3600

_ENVIRONMENT = {
    # Until there is room, however long others take; a group that never fits is refused before.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(10**7),
    # How soon an end is seen; Ray Train's own choice is 2 s.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    # A node that is to go takes the group along as one that is gone; a process less per training.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # Calls run where those of other workers do.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}


@dataclass(frozen=True)
class Group:
    """The processes of one training.

    Attributes:
        num_workers: How many there are, at least two.
        needs: Resources of each, by Ray's names.
        home: Where the driver runs; other nodes must have the same code.
    """

    num_workers: int
    needs: Mapping[str, float]
    home: Home

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in each process, with its rank as the last argument.

        Runs in a worker of its own: it loads torch, which a driver has no need of.

        Returns:
            What the process of rank 0 returned.

        Raises:
            Exception: What one of them raised; `WorkerLostError` if one of them died.
        """
        os.environ.update(_ENVIRONMENT)
        from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

        interrupt = signal.getsignal(signal.SIGINT)
        try:
            with tempfile.TemporaryDirectory() as unused:
                return self._trainer(function, args, unused).fit().return_value
        except WorkerGroupError as error:
            raise _cause(error.worker_failures) from error
        except TrainingFailedError as error:
            raise WorkerLostError(f"the group of its workers did not start: {error}") from error
        finally:
            signal.signal(signal.SIGINT, interrupt)  # Ray Train's own would outlive it here

    def _trainer(self, function: Callable[..., Any], args: tuple[Any, ...], folder: str) -> Any:
        from ray.train.torch import TorchConfig
        from ray.train.v2.api.config import FailureConfig, LoggingConfig, RunConfig, ScalingConfig
        from ray.train.v2.torch.torch_trainer import TorchTrainer

        num_gpus = self.needs.get("GPU", 0.0)
        num_threads = max(1, int(self.needs.get("CPU", 1.0)))
        return TorchTrainer(
            lambda: _join(self.home, num_threads, function, args),
            # NCCL refuses two processes on one GPU.
            torch_config=TorchConfig(
                "cpu:gloo,cuda:nccl" if num_gpus >= 1 else "gloo", timeout_s=_PATIENCE_S
            ),
            scaling_config=ScalingConfig(
                num_workers=self.num_workers,
                use_gpu=bool(num_gpus),
                resources_per_worker=dict(self.needs),
            ),
            run_config=RunConfig(
                storage_path=folder,
                failure_config=FailureConfig(
                    max_failures=0, controller_failure_limit=0, max_preemption_failures=0
                ),
                logging_config=LoggingConfig(log_level="WARNING"),
            ),
        )


def _join(home: Home, num_threads: int, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run the call in one of the group's processes."""
    import ray.train

    check_node(home)
    log_plainly("%(levelname)s %(name)s: %(message)s")
    try:
        with prepared(num_threads):
            return function(*args, ray.train.get_context().get_world_rank())
    except Exception as error:
        if _is_of_another(error):
            raise WorkerLostError(WORKER_DIED) from error
        raise


def _is_of_another(error: BaseException | None) -> bool:
    """Whether an error says that the connection to another process of the group broke."""
    distributed = sys.modules.get("torch.distributed")
    while error is not None:
        is_gloo = isinstance(error, RuntimeError) and "gloo" in str(error)
        if is_gloo or (distributed and isinstance(error, distributed.DistError)):
            return True
        error = error.__cause__
    return False


def _cause(failures: Mapping[int, Exception]) -> Exception:
    """What ended a group: that a process was lost, else what the first one raised that did."""
    from ray.train.v2._internal.exceptions import RayTrainError

    raised = [each for _, each in sorted(failures.items()) if not isinstance(each, RayTrainError)]
    lost = [each for each in raised if isinstance(each, WorkerLostError)]
    for each in lost:
        if str(each) != WORKER_DIED:
            return each  # it says why
    is_lost = bool(lost) or len(raised) < len(failures)
    return WorkerLostError(WORKER_DIED) if is_lost else raised[0]
