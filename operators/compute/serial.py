"""The serial twin of a cluster: everything runs at once, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from operators.processes.limits import prepared
from tasks.core.ports import Future

T = TypeVar("T")
R = TypeVar("R")


class _Done(Generic[R]):
    """A call that has ended."""

    def __init__(self, num_threads: int, function: Callable[..., R], *args: Any) -> None:
        self._error: Exception | None = None
        try:
            with prepared(num_threads):
                self._value = function(*args)
        except Exception as error:
            self._error = error

    def result(self) -> R:
        """Return the value, or raise what the call raised."""
        if self._error is not None:
            raise self._error
        return self._value


@dataclass(frozen=True)
class _Shared:
    array: npt.NDArray[Any]

    def __call__(self) -> npt.NDArray[Any]:
        """Return the array, read-only."""
        return self.array


@dataclass(frozen=True)
class SerialExecutor:
    """Runs everything at once and in order; see `tasks.core.ports.Executor`.

    Attributes:
        num_threads: Threads of the numeric libraries in a call.
    """

    num_threads: int = 1
    num_workers: ClassVar[int] = 1
    max_in_flight: ClassVar[int] = 1
    max_trainings: ClassVar[int] = 1
    has_workers: ClassVar[bool] = False

    def granted(
        self,
        num_cpus: float,
        num_gpus: float = 0.0,  # noqa: ARG002  (this process is all there is)
        memory_gb: float | None = None,  # noqa: ARG002
        num_workers: int = 1,  # noqa: ARG002  (one process, whatever is granted)
    ) -> SerialExecutor:
        """Return the executor of one stage."""
        return SerialExecutor(max(1, int(num_cpus)))

    @property
    def available_gpus(self) -> float:
        """GPUs of this machine."""
        return len(list(Path("/dev").glob("nvidia[0-9]*")))

    def submit(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Call at once."""
        return _Done(self.num_threads, function, *args)

    def as_completed(self, futures: Iterable[Future[R]]) -> Iterator[Future[R]]:
        """Yield the futures in order."""
        return iter(list(futures))

    def share(self, array: npt.NDArray[Any]) -> Callable[[], npt.NDArray[Any]]:
        """Give out a read-only copy."""
        shared = np.array(array)
        shared.flags.writeable = False
        return _Shared(shared)

    def train(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Call at once, as the first and only process."""
        return self.submit(function, *args, 0)

    def compute(self, collection: Any) -> Any:
        """Compute a Dask collection in this thread."""
        return collection.compute(scheduler="synchronous")
