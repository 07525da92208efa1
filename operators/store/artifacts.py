"""The artifact store: folders that appear whole or not at all.

A folder is whole when it holds a valid ``manifest.json``. On a local disk it is written aside,
flushed and renamed; on an object store its files come first, under names that hold their
digest, and one conditional put of the manifest commits it. Who comes second under one key
adopts the first one's result. A stage has finished when ``result.json`` names its results.

What serves one run alone is kept once, whatever run it was that first came to this content: a note
in ``contents`` says where. So a run that finds no news adds no more than its ``result.json``.
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from operators.store.manifests import Manifest
from operators.store.storage import MANIFEST, Storage, storage_errors
from operators.tries import COMMIT_TRIES
from tasks.core.digests import canonical_json, digest, file_digest
from tasks.core.errors import ArtifactError, TransientError
from tasks.core.files import flush
from tasks.core.records import ArtifactRef, FileRef, Record
from tasks.core.stages import StageSpec

logger = logging.getLogger(__name__)

RESULT = "result.json"
CONTENTS = "contents"

RecordT = TypeVar("RecordT", bound=Record)


class Draft:
    """A folder while it is made; see `tasks.core.ports.ItemFolder`.

    Used as a context manager: what is not committed at its end is gone.
    """

    def __init__(self, storage: Storage, folder: str) -> None:
        self.storage = storage
        self.folder = folder
        self._files: dict[str, str] = {}
        self._path = storage.new_draft_folder()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)

    @property
    def path(self) -> Path:
        """Local folder to write files into."""
        return self._path

    def add(self, name: str) -> FileRef:
        """Register a file that was written as ``path / name``."""
        path = self._path / name
        if ".." in Path(name).parts or not path.is_file() or name == MANIFEST:
            raise ArtifactError(
                f"{self.folder}: expected a file {name!r} inside the folder, found none"
            )
        sha256 = file_digest(path)
        # An object store has no rename: the digest in the name keeps two writers apart.
        stored = name if self.storage.is_local else f"{sha256[:16]}/{name}"
        self._files[name] = stored
        uri = f"{self.folder}/{stored}"
        return FileRef(uri=uri, sha256=sha256, num_bytes=path.stat().st_size)

    def fetch(self, file: FileRef) -> Path:
        """Return a local path of an input file."""
        return self.storage.fetch(file)

    def commit(
        self, manifest: Manifest, tolerances: tuple[tuple[str, float], ...] = ()
    ) -> Manifest:
        """Make the folder appear; if its key has a result already, return that one.

        Raises:
            ArtifactError: The result that is there differs from this one by more than the
                tolerances allow.
            NotWritableError: The disk is full or read-only.
            ResourceError: It refuses access.
        """
        for _ in range(COMMIT_TRIES):
            with storage_errors(f"{self.storage.uri}/{self.folder}"):
                if self._place(manifest.to_bytes()):
                    return manifest
            try:
                first = self.storage.read(self.folder)
            except ArtifactError as error:
                logger.warning("removing a broken result: %s", error)
                first = None
            if first is not None:
                _check_same(first, manifest, tolerances)
                return first
            with suppress(FileNotFoundError):  # another writer removed it first
                self.storage.remove(self.folder)
        raise TransientError(f"{self.storage.uri}/{self.folder} changes while it is written")

    def _place(self, manifest: bytes) -> bool:
        return self._rename(manifest) if self.storage.is_local else self._upload(manifest)

    def _rename(self, manifest: bytes) -> bool:
        for path in [each for each in self._path.rglob("*") if each.is_file()]:
            if str(path.relative_to(self._path)) not in self._files:
                path.unlink()
            else:
                flush(path)
        (self._path / MANIFEST).write_bytes(manifest)
        flush(self._path / MANIFEST)
        flush(self._path)
        target = Path(self.storage.path(self.folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._path.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        flush(target.parent)
        return True

    def _upload(self, manifest: bytes) -> bool:
        for name, stored in self._files.items():
            self.storage.write(f"{self.folder}/{stored}", self._path / name)
        try:
            self.storage.write(f"{self.folder}/{MANIFEST}", manifest, is_new=True)
        except FileExistsError:
            return False
        return True


def _check_same(
    first: Manifest, second: Manifest, tolerances: tuple[tuple[str, float], ...]
) -> None:
    """Raise unless two results of one key agree."""
    if first.sha256 == second.sha256:
        return
    where = f"{second.stage}, key {second.key}"
    if not tolerances:
        raise ArtifactError(
            f"{where}: the same key gave other content: kept {first.sha256}, now {second.sha256}; "
            "something that the stage depends on is not part of its key"
        )
    for name, tolerance in tolerances:
        kept, now = _value(first.content, name), _value(second.content, name)
        if not abs(kept - now) <= tolerance:
            raise ArtifactError(
                f"{where}: expected {name} within {tolerance} of {kept}, got {now} "
                f"(content {first.sha256} and {second.sha256})"
            )
    logger.info("%s: kept the first result, this one is within its tolerances", where)


def _value(content: Mapping[str, Any], name: str) -> float:
    value: Any = content
    for part in name.split("."):
        value = value[part]
    return float(value)


class StageStore:
    """The store as one stage sees it; see `tasks.core.ports.ArtifactStore`."""

    def __init__(
        self,
        storage: Storage,
        folder: str,
        spec: StageSpec,
        key: str,
        provenance: Callable[[], Mapping[str, Any]],
        own_folder: Callable[[], str] = str,
    ) -> None:
        """Begin; ``own_folder`` says where a result goes that serves this run alone, if it does."""
        self.storage = storage
        # The storage's own, so that a graph which fetches on workers takes nothing else along.
        self.fetch = storage.fetch
        self.refs: list[ArtifactRef] = []
        self._folder = folder
        self._own_folder = own_folder
        self._spec = spec
        self._key = key
        self._provenance = provenance
        self._draft: Draft | None = None

    def read(self, ref: ArtifactRef, record_type: type[RecordT]) -> RecordT:
        """Read a finished result."""
        return read_artifact(self.storage, ref).record(record_type, ref.uri)

    def write(self, content: Record) -> ArtifactRef:
        """Commit a result of the stage; the second and later ones are groups of a fan-out."""
        with self._open() as draft:
            self._draft = None
            if (place := self._place) != draft.folder:  # it came to be its own run's meanwhile
                said = content.model_dump_json().replace(f'"{draft.folder}/', f'"{place}/')
                content, draft.folder = type(content).model_validate_json(said), place
            manifest = Manifest.of(content, self._spec.name, self._key, self._provenance())
            ref = self._keep(draft, manifest)
        self.refs.append(ref)
        return ref

    def add(self, path: Path, name: str) -> FileRef:
        """Keep a file of the driver with the next result."""
        draft = self._open()
        with storage_errors(str(draft.path / name)):
            (draft.path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, draft.path / name)
        return draft.add(name)

    def close(self) -> None:
        """Drop what was added but not written."""
        if self._draft:
            self._draft.__exit__()
            self._draft = None

    @property
    def folder(self) -> str:
        """Folder of the results."""
        return self._own_folder() or self._folder

    @property
    def _place(self) -> str:
        return f"{self.folder}-{len(self.refs)}" if self.refs else self.folder

    def _open(self) -> Draft:
        self._draft = self._draft or Draft(self.storage, self._place)
        return self._draft

    def _keep(self, draft: Draft, manifest: Manifest) -> ArtifactRef:
        """Commit a result; one that serves this run alone, only if no run has kept its content."""
        names = {"schema_id": manifest.schema_id, "sha256": manifest.sha256}
        note = f"{self._folder.rpartition('/')[0]}/{CONTENTS}/{manifest.sha256}"
        if self._own_folder():
            with suppress(FileNotFoundError, ArtifactError), storage_errors(note):
                place = self.storage.read_file(note).decode("utf-8", "replace")
                read_artifact(self.storage, ref := ArtifactRef(uri=place, **names))
                return ref
        kept = draft.commit(manifest, self._spec.tolerances)
        if self._own_folder():
            self.storage.write(note, draft.folder.encode())
        return ArtifactRef(uri=draft.folder, **names | {"sha256": kept.sha256})


def read_artifact(storage: Storage, ref: ArtifactRef) -> Manifest:
    """Read the manifest that a reference names.

    Raises:
        ArtifactError: It is missing, cut short, or not what the reference promises.
    """
    if not isinstance(ref, ArtifactRef):  # a group where one result is expected, or one for a group
        raise ArtifactError(
            f"expected a reference to one result, got {type(ref).__name__}; check the inputs"
        )
    manifest = storage.read(ref.uri)
    if manifest is None:
        raise ArtifactError(f"{storage.uri}/{ref.uri} is missing: run its stage again")
    if manifest.sha256 != ref.sha256 or manifest.schema_id != ref.schema_id:
        raise ArtifactError(
            f"{storage.uri}/{ref.uri}: expected {ref.schema_id} {ref.sha256}, got "
            f"{manifest.schema_id} {manifest.sha256}; run its stage again"
        )
    return manifest


def mark_finished(storage: Storage, folder: str, refs: list[ArtifactRef]) -> None:
    """Record, last of all, which results a stage returned."""
    values = [ref.model_dump() for ref in refs]
    data = canonical_json({"refs": values, "sha256": digest(values)})
    storage.write(f"{folder}/{RESULT}", data)


def finished(storage: Storage, folder: str) -> list[ArtifactRef] | None:
    """Return what a finished stage returned; None if it did not finish, or is damaged."""
    where = storage.path(f"{folder}/{RESULT}")
    with storage_errors(where):
        try:
            index = json.loads(storage.read_file(f"{folder}/{RESULT}"))
            refs = [ArtifactRef(**each) for each in index["refs"]]
            for ref in refs:
                read_artifact(storage, ref)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, RecursionError, ArtifactError) as error:
            logger.warning("a finished result is damaged and is made again: %s", error)
            return None
    return refs if digest(index["refs"]) == index.get("sha256") else None
