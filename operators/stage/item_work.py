"""One item of a stage: its key, its folder, and the call that makes it in a worker.

The worker that makes an item commits it, under a key that names everything it depends on. So
what is committed outlives the driver, and serves later runs. An item that can't be used is not
committed: the stage that lists it keeps its reason, and a later run with another key (a larger
archive, other settings) tries it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from operators.compute.limits import Limits, limited, release_signals
from operators.stage.key import item_key
from operators.store.artifacts import Checkpoint, Draft
from operators.store.manifests import Manifest
from operators.store.storage import Storage, full_disk, is_full_disk
from tasks.core import seeds
from tasks.core.config import config_json
from tasks.core.digests import digest
from tasks.core.errors import ArtifactError, ConfigError, DataError, OrreryError, WorkerLostError
from tasks.core.ports import Executor, Future, Skipped
from tasks.core.records import Record
from tasks.core.stages import StageSpec

_NUM_TRIES = 2


@dataclass(frozen=True)
class ItemWork:
    """What the items of one map have in common; it travels to the workers.

    Attributes:
        storage: Where the items are kept.
        folder: Folder of all items of the stage, relative to the store's root.
        spec: The stage's declaration.
        function: Makes one item.
        outcome_type: Record that the function returns.
        config: What the function receives.
        key_parts: See `operators.stage.key.key_parts`.
        seed: Root seed of the run.
        limits: What one item may use.
        provenance: Run, device and versions.
        shared: Handles of the arrays that the items read; no part of their keys.
    """

    storage: Storage
    folder: str
    spec: StageSpec
    function: Any
    outcome_type: type[Record]
    config: Any
    key_parts: Mapping[str, Any]
    seed: int
    limits: Limits
    provenance: Mapping[str, Any]
    shared: Mapping[str, Callable[[], npt.NDArray[Any]]]

    def key(self, item: Record) -> str:
        """Key of one item."""
        name = f"{self.function.__module__}:{self.function.__qualname__}"
        return item_key(self.key_parts, name, config_json(self.config), digest(item))

    def find(self, item: Record) -> Record | None:
        """Return a committed item; None if there is none, or a damaged one."""
        where = f"{self.folder}/{self.key(item)}"
        try:
            manifest = self.storage.read(where)
        except ArtifactError:
            return None  # rubbish: making the item again replaces it
        return manifest.record(self.outcome_type, where) if manifest else None


class _Folder(Draft):
    """An item's folder; see `tasks.core.ports.ItemFolder`."""

    def __init__(self, work: ItemWork, item_id: str, key: str) -> None:
        super().__init__(work.storage, f"{work.folder}/{key}")
        self._work = work
        self._item_id = item_id
        self._checkpoint = Checkpoint(work.storage, key)
        self._is_saved = False

    def rng(self) -> np.random.Generator:
        """The item's own generator."""
        if not self._work.spec.draws:
            raise ConfigError(f"{self._work.spec.name} draws numbers: declare it with draws=True")
        return seeds.rng(self._work.seed, self._work.spec.name, self._item_id)

    def checkpoint(self) -> Path | None:
        """What an earlier try saved last."""
        self._is_saved = True
        return self._checkpoint.fetch(self.path / ".checkpoint")

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file for another try."""
        self._is_saved = True
        self._checkpoint.save(path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, tb)
        has_ended = kind is None or issubclass(kind, DataError)
        if has_ended and self._is_saved:
            self._checkpoint.drop()

    def array(self, name: str) -> npt.NDArray[Any]:
        """A shared array, read-only."""
        if name not in self._work.shared:
            raise ConfigError(
                f"expected a shared array out of {sorted(self._work.shared)}, got {name!r}: pass "
                "it to the items' map or pool, as shared={name: array}"
            )
        return self._work.shared[name]()


def make_item(work: ItemWork, item: Any) -> Record:
    """Make and commit one item; runs in a worker.

    Returns:
        The committed record, or `Skipped`.

    Raises:
        OrreryError: Anything but bad data, with the item's id.
    """
    release_signals()
    key = work.key(item)
    try:
        with _Folder(work, item.item_id, key) as folder:
            begun_s = time.monotonic()
            with limited(work.limits):
                outcome = work.function(item, work.config, folder)
            provenance = {**work.provenance, "seconds": round(time.monotonic() - begun_s, 3)}
            manifest = Manifest.of(outcome, work.spec.name, key, provenance)
            kept = folder.commit(manifest, work.spec.tolerances)
            return kept.record(work.outcome_type, folder.folder)
    except DataError as error:
        return Skipped(item_id=item.item_id, reason=str(error))
    except WorkerLostError:
        raise
    except OrreryError as error:
        raise type(error)(f"{work.spec.name}, item {item.item_id}: {error}") from error
    except Exception as error:
        where = f"{work.spec.name}, item {item.item_id}"
        if is_full_disk(error):
            raise full_disk(where, error) from error
        raise OrreryError(f"{where}: {type(error).__name__}: {error}") from error


@dataclass
class Running:
    """Items that are being made.

    Attributes:
        work: What they have in common.
        executor: Makes them.
    """

    work: ItemWork
    executor: Executor
    _calls: dict[Future[Record], tuple[Any, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of items that have not ended, or whose end was not asked for."""
        return len(self._calls)

    def submit(self, item: Any) -> None:
        """Start to make an item."""
        self._start(item, 1)

    def next_ended(self) -> tuple[Any, Record]:
        """Wait for the item that ends first and return it with its record, or `Skipped`.

        An item whose worker was lost is tried once more, then given up.

        Raises:
            OrreryError: Anything but bad data.
        """
        while True:
            future = next(iter(self.executor.as_completed(list(self._calls))))
            item, tries = self._calls.pop(future)
            try:
                return item, future.result()
            except WorkerLostError as error:
                if tries == _NUM_TRIES:
                    reason = f"{error} (tried {_NUM_TRIES} times)"
                    return item, Skipped(item_id=item.item_id, reason=reason)
                self._start(item, tries + 1)

    def _start(self, item: Any, tries: int) -> None:
        self._calls[self.executor.submit(make_item, self.work, item)] = (item, tries)
