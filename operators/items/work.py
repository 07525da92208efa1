"""One item of a stage: its key, its folder, and the call that makes it in a worker.

The worker that makes an item commits it, under a key that names everything it depends on. So
what is committed outlives the driver, and serves later runs. An item that can't be used is not
committed: the stage that lists it keeps its reason, and a later run with another key (a larger
archive, other settings) tries it again.
"""

from __future__ import annotations

import dis
import importlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from operators.items.checkpoint import Checkpoint
from operators.items.reports import Reporter, Reports
from operators.processes.limits import Limits, limited
from operators.store.artifacts import Draft
from operators.store.manifests import Manifest
from operators.store.storage import Storage, disk_faults
from tasks.core import seeds
from tasks.core.config import config_json
from tasks.core.digests import digest
from tasks.core.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    OrreryError,
    PassingError,
    WorkerLostError,
)
from tasks.core.ports import Picture, Skipped
from tasks.core.records import FileRef, Record
from tasks.core.stages import StageSpec


@dataclass(frozen=True)
class StageWork:
    """What all items of a stage have in common, whatever makes them.

    Attributes:
        storage: Where the items are kept.
        folder: Folder of all items of the stage, relative to the store's root.
        spec: The stage's declaration.
        key_parts: See `operators.stage.key.key_parts`.
        seed: Root seed of the run.
        limits: What one item may use.
        provenance: Run, device and versions.
    """

    storage: Storage
    folder: str
    spec: StageSpec
    key_parts: Mapping[str, Any]
    seed: int
    limits: Limits
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class ItemWork:
    """What the items of one map or pool have in common; it travels to the workers.

    Attributes:
        stage: What they share with all items of the stage.
        function: Makes one item.
        outcome_type: Record that the function returns.
        config: What the function receives.
        shared: Handles of the arrays that the items read; no part of their keys.
    """

    stage: StageWork
    function: Any
    outcome_type: type[Record]
    config: Any
    shared: Mapping[str, Callable[[], npt.NDArray[Any]]]

    @cached_property
    def _config_json(self) -> Any:
        return config_json(self.config)

    def key(self, item: Record) -> str:
        """Key of one item: its digest stands in place of the stage's inputs."""
        name = f"{self.function.__module__}:{self.function.__qualname__}"
        parts = {"function": name, "config": self._config_json, "item": digest(item)}
        return digest({**self.stage.key_parts, **parts})

    def folder(self, key: str) -> str:
        """Folder of an item, relative to the store's root."""
        return f"{self.stage.folder}/{key}"

    def find(self, key: str) -> Record | None:
        """Return a committed item; None if there is none, or a damaged one."""
        return self.look_up(key)[0]

    def look_up(self, key: str) -> tuple[Record | None, bool]:
        """Return a committed item, as `find` does, and whether this DAG run made it."""
        where = self.folder(key)
        try:
            manifest = self.stage.storage.read(where)
        except ArtifactError:
            return None, False  # rubbish: making the item again replaces it
        if manifest is None:
            return None, False
        makers = [each.get("run", {}) for each in (manifest.provenance, self.stage.provenance)]
        is_own = makers[0].get("run_id") == makers[1].get("run_id")
        return manifest.record(self.outcome_type, where), is_own


class _Folder(Draft):
    """An item's folder; see `tasks.core.ports.ItemFolder`."""

    def __init__(self, work: ItemWork, item_id: str, key: str, *, is_first: bool) -> None:
        super().__init__(work.stage.storage, work.folder(key))
        self._work = work
        self._item_id = item_id
        self._is_first = is_first
        self._checkpoint = Checkpoint(work.stage.storage, key)
        self._reporter = Reporter(work.stage.storage, key)
        self._is_saved = False

    def add_picture(self, name: str, picture: npt.NDArray[np.uint8] | bytes) -> FileRef:
        """Write and register a picture for people."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(_encoded(picture, name))
        return self.add(name)

    def rng(self) -> np.random.Generator:
        """The item's own generator."""
        stage = self._work.stage
        if not stage.spec.draws:
            raise ConfigError(f"{stage.spec.name} draws numbers: declare it with draws=True")
        return seeds.rng(stage.seed, stage.spec.name, self._item_id)

    def checkpoint(self) -> Path | None:
        """What an earlier try saved last."""
        self._is_saved = True
        kept = self._checkpoint.fetch(self.path / ".checkpoint")
        if kept and not self._is_first:  # the first process may replace it at any time
            kept = Path(shutil.copyfile(kept, self.path / ".copy"))
        _wait_for_others()  # all go on from the same one
        return kept

    def save_checkpoint(self, path: Path) -> None:
        """Keep a file for another try."""
        if self._is_first:
            self._is_saved = True
            self._reporter.save()  # who goes on from here says again only what comes after
            self._checkpoint.save(path)

    def report(self, metrics: Mapping[str, float], step: int, **pictures: Picture) -> None:
        """Show how far the item is."""
        if self._is_first:
            self._is_saved = True
            encoded = {f"{k}.png": _encoded(v, f"{k}.png") for k, v in pictures.items()}
            self._reporter.add(metrics, step, encoded)

    @property
    def reports(self) -> Reports | None:
        """All that was reported."""
        return self._reporter.reports

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        super().__exit__()
        is_refused = kind is not None and issubclass(kind, DataError)
        if not (self._is_saved and self._is_first):
            return
        if is_refused and _joined():
            self._reporter.save()  # who waits for all of them shows it, and drops the rest
        elif kind is None or is_refused:
            self._checkpoint.drop()

    def array(self, name: str) -> npt.NDArray[Any]:
        """A shared array, read-only."""
        if name not in self._work.shared:
            raise ConfigError(
                f"expected a shared array out of {sorted(self._work.shared)}, got {name!r}: pass "
                "it to the items' map or pool, as shared={name: array}"
            )
        return self._work.shared[name]()


def _encoded(picture: Picture, name: str) -> bytes:
    from tasks.report.picture import encode  # loads OpenCV, which not every item needs

    return encode(picture, name)


@dataclass(frozen=True)
class Ended:
    """How an item ended.

    Attributes:
        outcome: Its record, or `Skipped`.
        reports: All that it said on the way; None if that was nothing.
    """

    outcome: Record
    reports: Reports | None = None


def make_item(work: ItemWork, key: str, item: Any, rank: int = 0) -> Ended:
    """Make and commit one item; runs in a worker.

    Args:
        work: What it has in common with others.
        key: Its key.
        item: The item.
        rank: Of this process among those that make it together; only the first commits.

    Returns:
        The committed record, or `Skipped`, and what was reported.

    Raises:
        OrreryError: Anything but bad data, with the item's id.
    """
    stage = work.stage
    where = f"{stage.spec.name}, item {item.item_id}"
    try:
        folder = _Folder(work, item.item_id, key, is_first=rank == 0)
        # A disk that fails is never the item's fault, whatever its function made of it.
        with folder, disk_faults("a file", folder.path):
            _load_imports(work.function)
            begun_s = time.monotonic()
            with limited(stage.limits):
                outcome: Record = work.function(item, work.config, folder)
            _wait_for_others()  # what one of them refuses is not committed
            if rank:
                return Ended(outcome)
            provenance = {**stage.provenance, "seconds": round(time.monotonic() - begun_s, 3)}
            manifest = Manifest.of(outcome, stage.spec.name, key, provenance)
            kept = folder.commit(manifest, stage.spec.tolerances)
            return Ended(kept.record(work.outcome_type, folder.folder), folder.reports)
    except DataError as error:
        return Ended(skipped(item, error), folder.reports)
    except WorkerLostError:
        raise
    except OrreryError as error:
        raise type(error)(f"{where}: {error}") from error
    except Exception as error:
        raise OrreryError(f"{where}: {type(error).__name__}: {error}") from error


def skipped(item: Any, error: DataError) -> Skipped:
    """What becomes of an item that can't be used."""
    may_pass = isinstance(error, PassingError)
    return Skipped(item_id=item.item_id, reason=str(error), may_pass=may_pass)


def make_item_together(work: ItemWork, key: str, item: Any, rank: int) -> Ended:
    """Make one item as one of the processes of a training; see `make_item`.

    Raises:
        DataError: It can't be used. The others would wait for who only returned that.
    """
    ended = make_item(work, key, item, rank)
    if _joined() and isinstance(ended.outcome, Skipped):
        raise (PassingError if ended.outcome.may_pass else DataError)(ended.outcome.reason)
    return ended


def _wait_for_others() -> None:
    """Wait for the processes that torch.distributed joins to this one, if there are any."""
    if distributed := _joined():
        distributed.barrier()


def _joined() -> Any:
    """The module torch.distributed where it joins this process to others, else None."""
    distributed = sys.modules.get("torch.distributed")
    return distributed if distributed and distributed.is_initialized() else None


@lru_cache
def _load_imports(function: Callable[..., Any]) -> None:
    """Load what an item's function imports in its body, which spares its driver a heavy library.

    Before the item's limits begin: they are not meant for that, and a library whose loading was
    cut off can't be loaded again by the same process.
    """
    for instruction in dis.get_instructions(function):
        if instruction.opname == "IMPORT_NAME":
            importlib.import_module(instruction.argval)
