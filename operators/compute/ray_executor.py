"""Parallel work on a Ray cluster; see `tasks.core.ports.Executor`."""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import ray
from ray import exceptions

from operators.compute.ray_nodes import Home, check_node, same_code
from operators.compute.ray_training import WORKER_DIED, Group
from operators.plain_log import log_plainly
from operators.processes.limits import prepared
from operators.tries import CALL_RETRIES
from tasks.core.errors import OrreryError, ResourceError, TransientError, WorkerLostError
from tasks.core.ports import Future

T = TypeVar("T")
R = TypeVar("R")

_CONNECT_S = 10.0
_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.OutOfMemoryError,
    exceptions.NodeDiedError,
    exceptions.ActorDiedError,
    exceptions.ObjectLostError,
)


@dataclass(frozen=True, eq=False)
class RayFuture(Generic[R]):
    """A call that a worker or an actor was given."""

    ref: ray.ObjectRef[Any]

    def result(self) -> R:
        """Wait for the call and return its value."""
        try:
            value: R = ray.get(self.ref)
        except exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else None
            raise cause or OrreryError(str(error)) from error
        except _LOST as error:
            raise WorkerLostError(WORKER_DIED) from error
        except exceptions.RayError as error:
            raise TransientError(f"the Ray cluster lost a call: {error}") from error
        return value


@dataclass(frozen=True)
class _Shared:
    ref: ray.ObjectRef[Any]

    def __call__(self) -> npt.NDArray[Any]:
        """Return the node's copy, read-only."""
        try:
            array: npt.NDArray[Any] = ray.get(self.ref)
        except exceptions.RayError as error:
            raise TransientError(f"the Ray cluster lost a shared array: {error}") from error
        return array


@dataclass(frozen=True)
class RayExecutor:
    """Runs calls as Ray tasks and actors.

    Attributes:
        num_cpus: CPUs of one call.
        num_gpus: GPUs of one call.
        memory_gb: Memory that the scheduler sets aside for one call.
        num_workers: Processes of one training, each with as much as a call.
        home: Where the driver runs; other nodes must have the same code.
    """

    num_cpus: float = 1.0
    num_gpus: float = 0.0
    memory_gb: float | None = None
    num_workers: int = 1
    home: Home = field(default_factory=Home)
    has_workers: ClassVar[bool] = True

    @classmethod
    def connect(cls, address: str) -> RayExecutor:
        """Connect this process to a cluster.

        Raises:
            TransientError: It can't be reached.
        """
        if not ray.is_initialized():
            host, _, port = address.rpartition(":")
            try:
                if port.isdigit():  # ray.init waits minutes for a head that is gone
                    socket.create_connection((host, int(port)), _CONNECT_S).close()
                ray.init(address=address, logging_level=logging.WARNING)
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                raise TransientError(
                    f"can't reach the Ray cluster at {address}: {error}"
                ) from error
        return cls(home=Home.here())

    def granted(
        self,
        num_cpus: float,
        num_gpus: float = 0.0,
        memory_gb: float | None = None,
        num_workers: int = 1,
    ) -> RayExecutor:
        """Return the executor of one stage.

        Raises:
            ResourceError: No node has what one call needs, or all have too little for a training.
        """
        executor = replace(
            self, num_cpus=num_cpus, num_gpus=num_gpus, memory_gb=memory_gb, num_workers=num_workers
        )
        needs, num_places = executor._needs(), executor._num_places()
        if not num_places:
            nodes = _nodes()
            largest = {name: max(node.get(name, 0) for node in nodes) for name in needs}
            raise ResourceError(
                f"a call needs {needs} (memory in bytes) on one node, but the nodes have at most "
                f"{largest}; ask for less in the profile or add a node"
            )
        if num_places < num_workers:
            raise ResourceError(
                f"a training needs {num_workers} times {needs} (memory in bytes), but the nodes "
                f"have that {num_places} times; lower num_workers in the profile or add a node"
            )
        return executor

    @property
    def available_gpus(self) -> float:
        """GPUs of all nodes."""
        return float(ray.cluster_resources().get("GPU", 0))

    @property
    def max_in_flight(self) -> int:
        """Calls that keep the cluster busy: as many as fit, and as many waiting."""
        return 2 * max(1, self._num_places())

    @property
    def max_trainings(self) -> int:
        """Trainings that keep it busy: where they are groups none waits, for it takes processes."""
        alone = self.num_workers == 1
        return self.max_in_flight if alone else max(1, self._num_places() // self.num_workers)

    def submit(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Start one call and return at once."""
        memory = {"memory": int(self.memory_gb * 1e9)} if self.memory_gb else {}
        remote = _call.options(
            num_cpus=self.num_cpus,
            num_gpus=self.num_gpus,
            max_retries=CALL_RETRIES,
            name=function.__name__,
            **memory,
        )
        return RayFuture(remote.remote(self.home, function, max(1, int(self.num_cpus)), *args))

    def as_completed(self, futures: Iterable[Future[R]]) -> Iterator[Future[R]]:
        """Yield futures as they end, the earliest first."""
        pending = {future.ref: future for future in futures if isinstance(future, RayFuture)}
        while pending:
            ready, _ = ray.wait(list(pending), num_returns=1, fetch_local=False)
            yield pending.pop(ready[0])

    def share(self, array: npt.NDArray[Any]) -> Callable[[], npt.NDArray[Any]]:
        """Put an array into the object store, once per node that reads it."""
        return _Shared(ray.put(np.asarray(array, order="C")))  # with gaps it would be copied

    def train(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Start a call in a group of Ray Train's workers, without which one process does."""
        if self.num_workers == 1:
            return self.submit(function, *args, 0)
        group = Group(self.num_workers, self._needs(), self.home)
        # A task of its own waits for the group, so that the driver loads neither torch nor Train.
        remote = _call.options(num_cpus=0, max_retries=CALL_RETRIES, name=function.__name__)
        return RayFuture(remote.remote(self.home, group.run, 1, function, *args))

    def compute(self, collection: Any) -> Any:
        """Compute a Dask collection on the cluster's workers."""
        # Takes a second of CPU time, in each driver and worker, which most do without.
        import dask.base
        from ray.util.dask import ray_dask_get

        # shuffling through a local disk would need one that all nodes share
        with dask.config.set({"dataframe.shuffle.method": "tasks"}), same_code(self.home):
            return dask.base.compute(
                collection,
                scheduler=ray_dask_get,
                ray_remote_args={"num_cpus": self.num_cpus},
            )[0]

    def _needs(self) -> dict[str, float]:
        memory = int((self.memory_gb or 0) * 1e9)
        needs = {"CPU": self.num_cpus, "GPU": self.num_gpus, "memory": memory}
        return {name: need for name, need in needs.items() if need}

    def _num_places(self) -> int:
        """Calls that find room at once, when nothing else runs."""
        needs = self._needs()
        return sum(
            math.floor(min(node.get(name, 0) / need for name, need in needs.items()))
            for node in _nodes()
        )


def _nodes() -> list[dict[str, float]]:
    """What each node has in all."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def disconnect() -> None:
    """End what this process has in flight on the cluster; it may connect again."""
    ray.shutdown()


@ray.remote
def _call(home: Home, function: Callable[..., Any], num_threads: int, *args: Any) -> Any:
    check_node(home)
    log_plainly("%(levelname)s %(name)s: %(message)s")
    with prepared(num_threads):
        return function(*args)
