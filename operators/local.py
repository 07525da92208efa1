"""The serial twin: every stage runs without any service, in this process.

local = LocalRun(tmp_path)
matches = local.run(match_captures, captures, config=MatchConfig())
local.read(matches, MatchSet)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from operators.artifact_store import StageStore, read_artifact
from operators.run_stage import RunContext, RunningStage, StageRequest, open_context, run_stage
from operators.stage_plan import Plan
from operators.storage import Storage
from tasks.core.config import config_json
from tasks.core.digests import digest
from tasks.core.ports import Future
from tasks.core.records import Record
from tasks.core.refs import ArtifactRef, FileRef
from tasks.core.stages import StageSpec, spec_of

T = TypeVar("T")
R = TypeVar("R")
RecordT = TypeVar("RecordT", bound=Record)


class _Done(Generic[R]):
    """A call that has ended."""

    def __init__(self, function: Callable[..., R], *args: Any) -> None:
        self._error: Exception | None = None
        try:
            self._value = function(*args)
        except Exception as error:
            self._error = error

    def result(self) -> R:
        """Return the value, or raise what the call raised."""
        if self._error is not None:
            raise self._error
        return self._value


@dataclass
class _Worker:
    held: Any

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call a method of the object."""
        return _Done(getattr(self.held, method), *args)


@dataclass(frozen=True)
class _Shared:
    array: npt.NDArray[Any]

    def __call__(self) -> npt.NDArray[Any]:
        """Return the array, read-only."""
        return self.array


@dataclass(frozen=True)
class LocalExecutor:
    """Runs everything at once and in order; see `tasks.core.ports.Executor`.

    Attributes:
        checkpoints: Where a training keeps its checkpoint between runs.
    """

    checkpoints: Path = Path(tempfile.gettempdir()) / "orrery-training"
    max_in_flight: ClassVar[int] = 1
    has_workers: ClassVar[bool] = False

    def granted(
        self,
        num_cpus: float,  # noqa: ARG002  (this process is all there is)
        num_gpus: float,  # noqa: ARG002
        memory_gb: float | None,  # noqa: ARG002
        checkpoints: str,
    ) -> LocalExecutor:
        """Return the executor of one stage."""
        is_local = "://" not in checkpoints
        return LocalExecutor(Path(checkpoints) if is_local else self.checkpoints)

    @property
    def available_gpus(self) -> float:
        """GPUs of this machine."""
        return len(list(Path("/dev").glob("nvidia[0-9]*")))

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Apply a function to each item."""
        return map(function, items)

    def submit(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Call at once."""
        return _Done(function, *args)

    def as_completed(self, futures: Iterable[Future[R]]) -> Iterator[Future[R]]:
        """Yield the futures in order."""
        return iter(list(futures))

    def workers(self, factory: Callable[[int], Any], count: int) -> Sequence[_Worker]:
        """Make the objects."""
        return [_Worker(factory(index)) for index in range(count)]

    def share(self, array: npt.NDArray[Any]) -> Callable[[], npt.NDArray[Any]]:
        """Give out a read-only copy."""
        shared = np.array(array)
        shared.flags.writeable = False
        return _Shared(shared)

    def train(
        self,
        loop: Callable[[Mapping[str, Any]], None],
        config: Mapping[str, Any],
        num_workers: int,  # noqa: ARG002  (one process, whatever is asked)
    ) -> Mapping[str, float]:
        """Run the loop in this process."""
        last: dict[str, float] = {}
        kept = self.checkpoints / "checkpoint"

        def report(metrics: Mapping[str, float], step: int) -> None:
            last.update(metrics, step=step)

        def save_checkpoint(folder: Path) -> None:
            aside = kept.with_name("incoming")
            aside.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(folder, aside)
            shutil.rmtree(kept, ignore_errors=True)
            aside.rename(kept)

        def load_checkpoint() -> Path | None:
            return kept if kept.is_dir() else None

        loop(
            {
                **config,
                "report": report,
                "save_checkpoint": save_checkpoint,
                "load_checkpoint": load_checkpoint,
            }
        )
        return last

    def compute(self, collection: Any) -> Any:
        """Compute a Dask collection in this thread."""
        return collection.compute(scheduler="synchronous")


@dataclass(frozen=True)
class LocalRun:
    """Runs stages one after the other on a folder, for tests, examples and notebooks.

    Attributes:
        folder: Root of the store.
        seed: Root seed.
        profile: Name or path of the profile: limits and granted resources.
    """

    folder: Path
    seed: int = 0
    profile: str = "serial"

    def run(self, function: Callable[..., Any], *inputs: Any, config: Any) -> Any:
        """Run a stage, or find its finished result.

        Args:
            function: The stage function.
            *inputs: Its inputs: `ArtifactRef`, or a list of them.
            config: Its section of the settings.

        Returns:
            What the stage returns.
        """
        refs = run_stage(self.request(function, *inputs, config=config), LocalExecutor())
        return refs if spec_of(function).fans_out else refs[0]

    def context(self, function: Callable[..., Any], *inputs: Any, config: Any) -> RunningStage:
        """Return the context for calling a stage function directly."""
        plan = Plan.of(self.request(function, *inputs, config=config))
        return open_context(plan, "cpu", LocalExecutor())

    def request(self, function: Callable[..., Any], *inputs: Any, config: Any) -> StageRequest:
        """Return the call of a stage as a request."""
        context = RunContext(run_id="local", profile=self.profile, store_uri=str(self.folder))
        return StageRequest(
            pipeline="local",
            stage=f"{function.__module__}:{function.__qualname__}",
            config={"seed": self.seed, spec_of(function).section: config_json(config)},
            inputs=list(inputs),
            context=context,
        )

    def put(self, content: Record) -> ArtifactRef:
        """Keep a record as if a stage had written it, as input for another."""
        spec, key = StageSpec(name="input", section=""), digest(content)
        return StageStore(self._storage, f"local/input/{key}", spec, key, dict).write(content)

    def read(self, ref: ArtifactRef, record_type: type[RecordT]) -> RecordT:
        """Read a result."""
        return read_artifact(self._storage, ref).record(record_type, ref.uri)

    def fetch(self, file: FileRef) -> Path:
        """Return a local path of a file."""
        return self._storage.fetch(file)

    @property
    def _storage(self) -> Storage:
        return Storage(str(self.folder))
