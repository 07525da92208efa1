"""Ports: what the science asks of the machinery. The adapters live in `operators`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from tasks.core.models import ModelRegistry, ModelServer
from tasks.core.records import ArtifactRef, FileRef, Record

T = TypeVar("T")
R = TypeVar("R")
ValueT = TypeVar("ValueT", covariant=True)
RecordT = TypeVar("RecordT", bound=Record)
ItemT = TypeVar("ItemT", bound=Record)
ConfigT = TypeVar("ConfigT", contravariant=True)
OutcomeT = TypeVar("OutcomeT", bound=Record, covariant=True)
Picture = npt.NDArray[np.uint8] | bytes


class Future(Protocol[ValueT]):
    """The result of a submitted call that may not have ended yet."""

    def result(self) -> ValueT:
        """Wait for the call and return its value.

        Raises:
            OrreryError: What the call raised; `TransientError` if its worker was lost.
        """


class Executor(Protocol):
    """Parallel work, wherever it runs: in this process or on a cluster."""

    def submit(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Start one call and return at once."""

    def as_completed(self, futures: Iterable[Future[R]]) -> Iterator[Future[R]]:
        """Yield futures as they end, the earliest first."""

    def share(self, array: npt.NDArray[Any]) -> Callable[[], npt.NDArray[Any]]:
        """Put an array where every worker of a node reads the same copy.

        Returns:
            A picklable function that gives the array, read-only, inside any worker.
        """

    def train(self, function: Callable[..., R], *args: Any) -> Future[R]:
        """Start a call in each of ``num_workers`` processes; the result is that of the first.

        Each is told its rank by the last argument; torch.distributed joins them, where several.
        """

    def compute(self, collection: Any) -> Any:
        """Compute a Dask collection on the executor's workers."""


class Tracker(Protocol):
    """Where the numbers, pictures and parameters of a run go."""

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record numbers under their names; values are sent in batches."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record settings."""

    def log_figure(self, path: Path, name: str) -> None:
        """Record a picture that stands in a local file, under a path such as ``seams.png``."""

    def log_json(self, value: Any, name: str) -> None:
        """Record a JSON document under a path such as ``quality.json``."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Label the run."""

    def log_child(
        self,
        name: str,
        *,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
        figures: Mapping[str, Path] | None = None,
    ) -> None:
        """Record a finished part of the stage as a run of its own below the stage's.

        For tens of them, not thousands. A stage that is tried again below the same pipeline run
        takes over the child of that name and params. Figures are local files under their names.
        """


class ArtifactStore(Protocol):
    """Keeps finished results, whole or not at all, under any URI that fsspec knows."""

    def read(self, ref: ArtifactRef, record_type: type[RecordT]) -> RecordT:
        """Read a finished result.

        Raises:
            ArtifactError: It is missing, cut short, of another schema, or altered.
        """

    def write(self, content: Record) -> ArtifactRef:
        """Commit the result of the stage that runs, under its key.

        The same key with other content is an error; who commits second adopts the first.
        """

    def add(self, path: Path, name: str) -> FileRef:
        """Keep a file that the stage's driver made, as part of the next result it writes."""

    def fetch(self, file: FileRef) -> Path:
        """Return a local path at which the file's bytes can be read, verified once.

        Raises:
            ArtifactError: The file is missing or its bytes are not those of the digest.
        """


class ItemFolder(Protocol):
    """The output folder of one item while it is made; it appears whole or not at all."""

    @property
    def path(self) -> Path:
        """Local folder to write files into."""

    def add(self, name: str) -> FileRef:
        """Register a file that was written as ``path / name`` and return its reference."""

    def add_picture(self, name: str, picture: npt.NDArray[np.uint8] | bytes) -> FileRef:
        """Write and register a picture for people; see `StageContext.add_picture`."""

    def fetch(self, file: FileRef) -> Path:
        """Return a local path of an input file; see `ArtifactStore.fetch`."""

    def rng(self) -> np.random.Generator:
        """The item's own generator: root seed, stage and item decide it, nothing else."""

    def checkpoint(self) -> Path | None:
        """Return what an earlier try of the same item saved last, to be read only; or None."""

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file from which another try goes on, should this one be cut off.

        It appears whole or not at all, replaces the item's earlier one, and goes when the item
        ends. It must hold all that the rest depends on, the state of generators too: an item that
        goes on gives the same as one that was never cut off. Each try has the whole time limit.
        """

    def report(self, metrics: Mapping[str, float], step: int, **pictures: Picture) -> None:
        """Show how far the item is, in the run's records within seconds; no part of the result."""

    def array(self, name: str) -> npt.NDArray[Any]:
        """Return an array that `Items.map` or `Items.pool` was given: read-only, not a copy.

        Raises:
            ConfigError: No array of this name is shared.
            TransientError: The node that kept it was lost.
        """


class ItemFunction(Protocol[ConfigT, OutcomeT]):
    """Makes one item: reads refs, calls algorithms, writes files, returns a record.

    A module-level function, as workers run it; it raises `DataError` where it can't use the item.
    """

    def __call__(self, item: Any, config: ConfigT, folder: ItemFolder, /) -> OutcomeT:
        """Make the item."""


class Items(Protocol):
    """Work over many items, each committed on its own."""

    @property
    def made(self) -> Collection[str]:
        """Ids of the items that this run made; the others were there."""

    def map(
        self,
        function: ItemFunction[ConfigT, OutcomeT],
        items: Sequence[ItemT],
        config: ConfigT,
        *,
        shared: Mapping[str, npt.NDArray[Any]] | None = None,
        spread: bool = False,
    ) -> Sequence[OutcomeT | Skipped]:
        """Make each item in parallel, in the items' order; committed items are not redone.

        Each item is a `Record` with an ``item_id``. One that raises `DataError`, whose worker dies
        twice, or that passes its limits twice, comes back as `Skipped`. Progress is logged and
        tracked, in items, or in the ``unit`` of which an item says that it holds ``num_units``.

        Items read the ``shared`` arrays by `ItemFolder.array`; each node keeps one copy. They
        are no part of an item's key: the item or the config must name what an array holds, by
        the digest or the `FileRef` of what it was read from.

        With ``spread`` each item is a training of ``num_workers`` processes; see `Executor.train`.
        All read one checkpoint; what the first writes, saves and returns is the item's.
        """

    def pool(
        self,
        function: ItemFunction[ConfigT, OutcomeT],
        config: ConfigT,
        total: int,
        *,
        shared: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> ItemPool:
        """Open a pool for a loop that asks and tells; the stage declares ``replays=True``.

        The total is how many items the loop is going to submit, for the progress; see `map`.
        """


class ItemPool(Protocol):
    """Items in flight of a loop whose next item depends on what earlier ones gave.

    Used as a context manager. The order in which items end is kept: a loop that is cut off and
    starts again is told the same ends in the same order, so that a loop which is a function of
    them and of its seed comes to the same state. It asks for at most `num_free` items at a time.
    """

    def __enter__(self) -> Self:
        """Read what is noted of earlier calls under the same key."""

    def __exit__(self, *_: object) -> None:
        """End the loop; what is committed stays."""

    @property
    def num_free(self) -> int:
        """How many more items may be submitted now."""

    def submit(self, item: Record) -> None:
        """Start an item; a committed one is not made again."""

    def next_ended(self) -> tuple[Any, Record]:
        """Wait for the next item that ends; return it with its record, or `Skipped`."""


class Skipped(Record):
    """An item that could not be used, and why."""

    schema_id = "core.skipped/1"

    item_id: str
    reason: str
    may_pass: bool = False  # then a later run tries it again, though nothing has changed


class Resources(Record):
    """What a call was given: CPUs and GPUs, whole or not, the device, processes of a training."""

    schema_id = "core.resources/1"

    num_cpus: float
    num_gpus: float
    device: str
    num_workers: int = 1


class StageContext(Protocol):
    """All that a stage may touch of the world outside its inputs and settings."""

    @property
    def stage(self) -> str:
        """Name of the stage, e.g. ``panorama.match``."""

    @property
    def run_id(self) -> str:
        """Name of the run, for what is noted outside; no result may depend on it."""

    @property
    def store(self) -> ArtifactStore:
        """Keeps the results."""

    @property
    def items(self) -> Items:
        """Runs and commits the stage's items."""

    @property
    def executor(self) -> Executor:
        """Runs parallel work that is not committed item by item."""

    @property
    def tracker(self) -> Tracker:
        """Receives numbers and pictures of this stage's run."""

    def add_picture(self, name: str, picture: npt.NDArray[np.uint8] | bytes) -> FileRef:
        """Keep a picture for people with the next result, and show it with the run.

        The name's ending, ``.jpg`` or ``.png``, says how. The picture is (h, w, 3), RGB; or the
        bytes of a file, such as a plot's.
        """

    @property
    def models(self) -> ModelRegistry:
        """Keeps networks for later use."""

    @property
    def server(self) -> ModelServer:
        """Answers for them in traffic."""

    @property
    def resources(self) -> Resources:
        """What the stage was given to run on."""

    @property
    def seed(self) -> int:
        """Root seed of the run, for `tasks.core.seeds`; the stage declares ``draws=True``."""

    @property
    def scratch(self) -> Path:
        """A local folder for the driver's own files; it goes when the stage ends."""

    @property
    def num_groups(self) -> int:
        """Into how many groups a stage that declares ``fans_out=True`` may split its result."""
