"""Items: the parts of a long stage, each made in parallel and committed on its own.

The worker that makes an item commits it, under a key that names everything it depends on. So
what is committed outlives the driver, and serves later runs. An item that can't be used is not
committed: the stage that lists it keeps its reason, and a later run with another key (a larger
archive, other settings) tries it again.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from operators.artifact_store import Draft
from operators.limits import Limits, limited, release_signals
from operators.progress import Progress
from operators.stage_key import item_key
from operators.storage import Storage, full_disk, is_full_disk
from tasks.core import seeds
from tasks.core.config import config_json
from tasks.core.digests import digest
from tasks.core.errors import ArtifactError, ConfigError, DataError, OrreryError, WorkerLostError
from tasks.core.manifests import Manifest
from tasks.core.ports import Executor, Future, ItemFunction, Skipped, Tracker
from tasks.core.records import Record
from tasks.core.stages import StageSpec

_NUM_READERS = 8
_NUM_LOOKED_UP = 256
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
        key_parts: See `operators.stage_key.key_parts`.
        seed: Root seed of the run.
        limits: What one item may use.
        provenance: Run, device and versions.
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

    def rng(self) -> np.random.Generator:
        """The item's own generator."""
        if not self._work.spec.draws:
            raise ConfigError(f"{self._work.spec.name} draws numbers: declare it with draws=True")
        return seeds.rng(self._work.seed, self._work.spec.name, self._item_id)


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
class StageItems:
    """Work over many items; see `tasks.core.ports.Items`.

    Attributes:
        work: What all maps of the stage have in common.
        executor: Runs the items.
        tracker: Receives the progress.
        max_in_flight: Number of items that are submitted and not yet collected.
        counts: Items made, reused and skipped so far, for the provenance.
    """

    work: Mapping[str, Any]
    executor: Executor
    tracker: Tracker
    max_in_flight: int
    counts: dict[str, int] = field(default_factory=lambda: {"made": 0, "reused": 0, "skipped": 0})

    def map(
        self, function: ItemFunction[Any, Any], items: Sequence[Any], config: Any
    ) -> Sequence[Any]:
        """Make each item in parallel, in the items' order; committed items are not redone."""
        made = _outcome_type(function)
        work = ItemWork(**self.work, function=function, outcome_type=made, config=config)
        _check_unique([item.item_id for item in items])
        progress = Progress(work.spec.name, len(items), self.tracker)
        outcomes: list[Any] = [None] * len(items)
        running: dict[Future[Record], tuple[int, int]] = {}
        for index, found in enumerate(_find_all(work, items)):
            if found is not None:
                outcomes[index] = found
                progress.add(found, reused=True)
                continue
            if len(running) >= self.max_in_flight:
                self._collect(work, items, running, outcomes, progress)
            running[self.executor.submit(make_item, work, items[index])] = (index, 1)
        while running:
            self._collect(work, items, running, outcomes, progress)
        for name in self.counts:
            self.counts[name] += getattr(progress, name)
        return outcomes

    def _collect(
        self,
        work: ItemWork,
        items: Sequence[Any],
        running: dict[Future[Record], tuple[int, int]],
        outcomes: list[Any],
        progress: Progress,
    ) -> None:
        """Wait for one item; try it once more if its worker was lost, then give it up."""
        future = next(iter(self.executor.as_completed(list(running))))
        index, tries = running.pop(future)
        try:
            outcomes[index] = future.result()
        except WorkerLostError as error:
            if tries < _NUM_TRIES:
                again = self.executor.submit(make_item, work, items[index])
                running[again] = (index, tries + 1)
                return
            reason = f"{error} (tried {_NUM_TRIES} times)"
            outcomes[index] = Skipped(item_id=items[index].item_id, reason=reason)
        progress.add(outcomes[index])


def _outcome_type(function: Any) -> type[Record]:
    """Record type that an item function is annotated to return."""
    outcome = typing.get_type_hints(function).get("return")
    if not (isinstance(outcome, type) and issubclass(outcome, Record)):
        raise TypeError(f"annotate {function!r} with the Record that it returns")
    return outcome


def _check_unique(item_ids: list[str]) -> None:
    """Raise unless each id, which decides an item's draws, stands once."""
    if len(set(item_ids)) < len(item_ids):
        twice = next(each for each in item_ids if item_ids.count(each) > 1)
        raise DataError(f"expected items with ids of their own, got {twice!r} twice: rename one")


def _find_all(work: ItemWork, items: Sequence[Any]) -> Iterator[Record | None]:
    """Look up committed items, some at a time: an object store answers slowly."""
    with ThreadPoolExecutor(_NUM_READERS) as pool:
        for start in range(0, len(items), _NUM_LOOKED_UP):
            yield from pool.map(work.find, items[start : start + _NUM_LOOKED_UP])
