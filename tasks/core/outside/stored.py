"""Folders in object stores (``s3://bucket/folder``, ``gs://…``), read and written like a disk's.

A store knows no folders, only names with slashes. What it says of a file, its size and its version
(ETag), stands for the content until the file is fetched: a file that was replaced has another
version. What is fetched is compared with both, so that no half of one file meets half of another.

Credentials come from the environment of the node, as the store's own tools read them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.core.errors import (
    DataError,
    NotWritableError,
    OrreryError,
    ResourceError,
    TransientError,
)
from tasks.core.files import disk_fault, whole_file
from tasks.core.outside.roots import CONTROL, MAX_NAME_BYTES

_STORED = re.compile(r"(?!file://)[A-Za-z][A-Za-z0-9+.-]*://")
# What a store says of a file that changes with it; the first that it knows.
_VERSIONS = ("ETag", "etag", "generation")
# Kinds of errors of stores' clients, which fsspec hands on.
_CLIENTS = {"botocore", "aiobotocore", "aiohttp", "gcsfs", "google"}


@dataclass(frozen=True)
class StoredFile:
    """What a store says of a file.

    Attributes:
        num_bytes: Its size.
        version: Changes whenever the file is replaced.
    """

    num_bytes: int
    version: str


def fingerprint(files: Mapping[str, StoredFile]) -> str:
    """Digest of files by name: it changes with any of them, and with what there is."""
    lines = (f"{name}\0{file.num_bytes}\0{file.version}\n" for name, file in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_stored(place: str) -> bool:
    """Whether a place lies in an object store, and not on a disk."""
    return _STORED.match(place) is not None


def local_path(place: str) -> Path:
    """The path of a place on a disk: ``/data``, ``~/data`` or ``file:///data``."""
    return Path(place.removeprefix("file://")).expanduser()


@dataclass(frozen=True)
class StoredFolder:
    """One folder of an object store.

    Attributes:
        uri: Its address, e.g. ``s3://bucket/archive``.
        odd: Why files that `files` met can't be used, by name.
    """

    uri: str
    odd: dict[str, str] = field(default_factory=dict, compare=False)

    def files(self, max_files: int) -> dict[str, StoredFile]:
        """Return all files by their names below the folder, sorted; none if there is no folder.

        Names with a part that begins with a dot are left out; `odd` takes those that no disk could
        hold.

        Raises:
            DataError: There are more than `max_files`.
            ResourceError: The store refuses access, there is no such bucket, or a package for the
                store is not installed.
            TransientError: It can't be reached.
        """
        try:
            with self._translated():
                listed = self._fs.find(self._root, detail=True)
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        if len(listed) > max_files:
            raise DataError(
                f"{self.uri}: expected at most {max_files:,} files, found {len(listed):,}; name "
                "the folder that holds the data alone"
            )
        found: dict[str, StoredFile] = {}
        for path, info in sorted(listed.items()):
            name = str(path)[len(self._root) + 1 :]
            if not name or name.endswith("/") or "/." in f"/{name}" or info["type"] != "file":
                continue
            if reason := _oddity(name, found):
                self.odd[name] = reason
            else:
                found[name] = StoredFile(int(info["size"]), _version(info))
        return found

    def file(self, name: str) -> StoredFile | None:
        """What the store says of one file; None if there is none."""
        try:
            with self._translated():
                info = self._fs.info(self._path(name))
        except FileNotFoundError:
            return None
        return StoredFile(int(info["size"]), _version(info)) if info["type"] == "file" else None

    def fetch(self, name: str, file: StoredFile, target: Path) -> None:
        """Copy a file to this machine; it appears whole.

        Args:
            name: Its name below the folder.
            file: What `files` said of it.
            target: Where to.

        Raises:
            DataError: It is not what it was any more.
            ResourceError: The store refuses access.
            TransientError: It can't be reached.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as partial:
            try:
                with self._translated():
                    self._fs.get_file(self._path(name), str(partial))
            except FileNotFoundError as error:
                raise DataError(f"{self.uri}/{name} was removed; run again") from error
            now = self.file(name)
            if now != file or partial.stat().st_size != file.num_bytes:
                raise DataError(
                    f"{self.uri}/{name} was replaced while it was read: expected {file.num_bytes} "
                    f"bytes of version {file.version}, got {partial.stat().st_size} and now {now}; "
                    "run again"
                )

    def read(self, name: str) -> bytes | None:
        """Return a small file's bytes; None if there is none."""
        try:
            with self._translated():
                return bytes(self._fs.cat_file(self._path(name)))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes | Path) -> StoredFile:
        """Put a file there, whole: a store shows none before its last byte.

        Args:
            name: Its name below the folder.
            content: Its bytes, or a local file.

        Returns:
            What the store says of it.

        Raises:
            ResourceError: The store refuses access, or there is no such bucket.
            TransientError: It can't be reached.
        """
        path = self._path(name)
        try:
            with self._translated():
                if isinstance(content, Path):
                    self._fs.put_file(str(content), path)
                else:
                    self._fs.pipe_file(path, content)
                info = self._fs.info(path)
        except FileNotFoundError as error:
            raise self._no_bucket() from error
        return StoredFile(int(info["size"]), _version(info))

    def copy(self, name: str, to: str) -> StoredFile:
        """Copy a file to another name, within the store; returns what that says of the copy.

        Raises:
            ResourceError: The store refuses access, or there is no such file.
            TransientError: It can't be reached.
        """
        try:
            with self._translated():
                self._fs.cp_file(self._path(name), self._path(to))
                info = self._fs.info(self._path(to))
        except FileNotFoundError as error:
            raise ResourceError(f"{self.uri}/{name} was removed while it was copied") from error
        return StoredFile(int(info["size"]), _version(info))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            with self._translated():
                self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def below(self, name: str) -> StoredFolder:
        """A folder of this one."""
        return StoredFolder(f"{self.uri.rstrip('/')}/{name}") if name else self

    def _no_bucket(self) -> ResourceError:
        return ResourceError(f"{self.uri}: there is no such bucket; create it, or name another")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @property
    def _fs(self) -> Any:
        return self._place[0]

    @property
    def _root(self) -> str:
        return str(self._place[1]).rstrip("/")

    @cached_property
    def _place(self) -> tuple[Any, str]:
        import fsspec  # not needed where all data is on disks

        # What another process has written since must be seen.
        found: tuple[Any, str] = fsspec.core.url_to_fs(self.uri, use_listings_cache=False)
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OrreryError, FileNotFoundError):
            raise
        except (ImportError, PermissionError, ValueError) as error:
            raise ResourceError(
                f"no access to {self.uri}: {error}; check the credentials in the environment of "
                "the Ray nodes"
            ) from error
        except OSError as error:
            fault = disk_fault(error, f"a copy of {self.uri}", "free some, or see ORRERY_CACHE")
            if isinstance(fault, NotWritableError):
                raise fault from error
            raise TransientError(f"can't reach {self.uri}: {error}") from error
        except Exception as error:
            if (told := client_error(error, self.uri)) is None:
                raise
            raise told from error


def client_error(error: Exception, where: str) -> OrreryError | None:
    """Return what an error of a store's client means; None if it comes from elsewhere."""
    if type(error).__module__.partition(".")[0] not in _CLIENTS:
        return None
    kind = ResourceError if "Credentials" in type(error).__name__ else TransientError
    return kind(f"can't reach {where}: {error}")


def _version(info: dict[str, Any]) -> str:
    return next((str(info[name]).strip('"') for name in _VERSIONS if info.get(name)), "")


def _oddity(name: str, found: dict[str, StoredFile]) -> str:
    """Why a stored name can't be that of a file on a disk; empty if it can."""
    path = PurePosixPath(name)
    if CONTROL.search(name) or "::" in name:
        return "its name holds control characters or '::'; rename it"
    if str(path) != name or path.is_absolute() or ".." in path.parts:
        return "its name holds empty parts; rename it"
    if max(len(part.encode()) for part in path.parts) > MAX_NAME_BYTES:
        return f"a part of its name is longer than {MAX_NAME_BYTES} bytes; rename it"
    if any(str(parent) in found for parent in path.parents):
        return "another file has the name of its folder; rename one of them"
    return ""
