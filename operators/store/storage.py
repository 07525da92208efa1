"""One root of artifacts on any URI that fsspec knows: reading, fetching, clear errors."""

from __future__ import annotations

import errno
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from operators.owners import owner
from operators.store.manifests import Manifest
from tasks.core.digests import file_digest
from tasks.core.errors import ArtifactError, OrreryError, ResourceError, TransientError
from tasks.core.files import disk_fault, whole_file
from tasks.core.outside.cache import cache_entry, cache_root
from tasks.core.outside.stored import client_error
from tasks.core.records import FileRef

MANIFEST = "manifest.json"
DRAFTS = ".drafts"
TRAINING = ".training"
CLAIMS = ".claims"
_ADVICE = (
    "free some (make prune), make it writable, or change the profile's store_uri; nothing "
    "half-written was left"
)
MAX_MANIFEST_BYTES = 1_000_000_000
_MAX_CHARS, _MAX_NAME_CHARS = 3000, 255
_ODD = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|::|://")  # fsspec reads chains of file systems
_NO_FILE = {errno.ELOOP, errno.EISDIR, errno.ENAMETOOLONG}

_verified: dict[tuple[str, int, int], str] = {}


@contextmanager
def storage_errors(where: str, num_bytes: int = 0) -> Iterator[None]:
    """Translate what disks and object stores raise while something is read or written.

    Raises:
        NotWritableError: It is full or read-only.
        ResourceError: It refuses access.
        TransientError: It can't be reached.
        ArtifactError: There is no file that can be read.
    """
    try:
        yield
    except (OrreryError, FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if (told := _told(where, error, num_bytes)) is None:
            raise
        raise told from error
    except Exception as error:
        if (told := client_error(error, where)) is None:
            raise
        raise told from error


def _told(where: str, error: OSError, num_bytes: int) -> OrreryError | None:
    """What an error of a disk or of a connection means; None if that isn't known."""
    places = [] if "://" in where else [Path(where)]
    if fault := disk_fault(error, where, _ADVICE, *places, num_bytes=num_bytes):
        return fault
    if isinstance(error, PermissionError):
        return ResourceError(
            f"no access to {where}: {error}; grant it or change the profile's store_uri"
        )
    if isinstance(error, ConnectionError | TimeoutError):
        return TransientError(f"can't reach {where}: {error}")
    if error.errno in _NO_FILE:
        return ArtifactError(f"{where} is no file of the store: {error}; remove it")
    return None


@contextmanager
def disk_faults(where: str, *folders: Path) -> Iterator[None]:
    """Tell a disk that is full, read-only or lost from data that are bad; folders are written to.

    Raises:
        NotWritableError: A disk is full or read-only, whatever else was raised.
        TransientError: A disk was lost.
    """
    try:
        yield
    except TransientError:
        raise
    except Exception as error:
        if fault := disk_fault(error, where, _ADVICE, *folders):
            raise fault from error
        raise


@dataclass(frozen=True)
class Storage:
    """One root of artifacts; small and picklable, so that workers write by themselves.

    Attributes:
        uri: Root, e.g. ``/data/artifacts`` or ``s3://bucket/artifacts``.
        options: What fsspec needs beside, never a secret.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _place(self) -> tuple[Any, str]:
        with storage_errors(self.uri):
            fs, root = fsspec.core.url_to_fs(self.uri, **self.options)
        return fs, str(root).rstrip("/")

    @property
    def fs(self) -> Any:
        """The fsspec file system."""
        return self._place[0]

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return isinstance(self.fs, LocalFileSystem)

    def path(self, relative: str) -> str:
        """Path below the root, as the file system takes it.

        Raises:
            ArtifactError: It would lead out of the root.
        """
        names = relative.split("/")
        is_odd = relative.startswith("/") or ".." in names or _ODD.search(relative)
        if is_odd or len(relative) > _MAX_CHARS or max(map(len, names)) > _MAX_NAME_CHARS:
            raise ArtifactError(
                f"{relative[:200]!r} is no place in the store {self.uri}: expected a path below "
                "its root; check where the reference comes from"
            )
        return f"{self._place[1]}/{relative}"

    def read(self, folder: str) -> Manifest | None:
        """Manifest of a folder; None if there is none.

        Raises:
            ArtifactError: The manifest is cut short or altered.
        """
        where = f"{self.uri}/{folder}/{MANIFEST}"
        with storage_errors(where):
            try:
                data = self.read_file(f"{folder}/{MANIFEST}")
            except (FileNotFoundError, NotADirectoryError):
                return None
        return Manifest.parse(data, where)

    def read_file(self, relative: str) -> bytes:
        """Bytes of a small file: a manifest, or another that the machinery keeps.

        Raises:
            FileNotFoundError: There is none.
            ArtifactError: It is no plain file, or a large one.
        """
        path = self.path(relative)
        if not self.is_local:
            return bytes(self.fs.cat_file(path))
        with storage_errors(path):
            found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_MANIFEST_BYTES:
            raise ArtifactError(
                f"{path}: expected a plain file of at most {MAX_MANIFEST_BYTES:,} bytes; remove "
                "its folder and run the stage again"
            )
        return Path(path).read_bytes()

    def write(
        self,
        relative: str,
        content: bytes | Path,
        *,
        is_new: bool = False,
        outlives_machine: bool = True,
    ) -> None:
        """Write a file, whole or not at all.

        Args:
            relative: Its path below the root.
            content: Its bytes, or a local file to copy.
            is_new: Whether it must not exist yet; else an earlier one is replaced.
            outlives_machine: Whether it must be whole after a power cut, too.

        Raises:
            FileExistsError: It must not exist, and does.
            NotWritableError: The store is full or read-only.
            ResourceError: The store refuses access, or does not exist.
        """
        num_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        with storage_errors(f"{self.uri}/{relative}", num_bytes):
            if not self.is_local:
                self._upload(self.path(relative), content, is_new=is_new)
                return
            target = Path(self.path(relative))
            with whole_file(target, is_new=is_new, is_flushed=outlives_machine) as partial:
                if isinstance(content, bytes):
                    partial.write_bytes(content)
                else:
                    shutil.copyfile(content, partial)

    def _upload(self, target: str, content: bytes | Path, *, is_new: bool) -> None:
        try:
            if isinstance(content, Path):
                self.fs.put_file(str(content), target, mode="create" if is_new else "overwrite")
            else:
                self.fs.pipe_file(target, content, mode="create" if is_new else "overwrite")
        except FileNotFoundError as error:
            raise ResourceError(f"{self.uri} does not exist: create the bucket") from error
        except OSError as error:
            # s3fs translates the refusal of servers that name no condition to a plain OSError
            response = getattr(error.__cause__, "response", {})
            if response.get("Error", {}).get("Code") == "PreconditionFailed":
                raise FileExistsError(target) from error
            raise

    def remove(self, folder: str) -> None:
        """Remove a folder; on a local disk it disappears at once."""
        if not self.is_local:
            self.fs.rm(self.path(folder), recursive=True)
            return
        aside = self._draft_path()
        Path(self.path(folder)).rename(aside)
        shutil.rmtree(aside)

    def new_draft_folder(self) -> Path:
        """Make an empty local folder, on the same disk as the root if that is local."""
        if not self.is_local:
            return Path(tempfile.mkdtemp(prefix=f"orrery-draft-{owner()}-"))
        path = self._draft_path()
        with storage_errors(str(path)):
            path.mkdir()
        return path

    def _draft_path(self) -> Path:
        """A place on the root's disk where nothing is yet."""
        drafts = Path(self.path(DRAFTS))
        with storage_errors(str(drafts)):
            drafts.mkdir(parents=True, exist_ok=True)
        return drafts / f"{owner()}-{uuid.uuid4().hex}"

    def fetch(self, file: FileRef) -> Path:
        """Return a local path of a file's bytes, verified; see `ArtifactStore.fetch`."""
        outside = "://" in file.uri or file.uri.startswith("/")
        where = file.uri if outside else f"{self.uri}/{file.uri}"
        with storage_errors(where):
            try:
                local = self._local(file, outside=outside)
                found = local.stat()
                seen = (str(local), found.st_mtime_ns, found.st_size)
                if not stat.S_ISREG(found.st_mode):  # it may have no end
                    raise ArtifactError(f"{where}: expected a plain file; restore it")
                is_cut = found.st_size != file.num_bytes  # known without reading it
                if seen not in _verified and not is_cut:
                    _verified[seen] = file_digest(local)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise ArtifactError(
                    f"{where} is missing: restore it or run its stage again"
                ) from error
        if is_cut or _verified[seen] != file.sha256:
            size = f"{found.st_size} bytes"
            raise ArtifactError(
                f"{where} was altered: expected {file.sha256} ({file.num_bytes} bytes), got "
                f"{size if is_cut else f'{_verified[seen]} ({size})'}; restore it or run its stage "
                "again"
            )
        return local

    def _local(self, file: FileRef, *, outside: bool) -> Path:
        """A file on this machine, where it lies or as a copy."""
        # fsspec would read a chain of file systems out of a folder's name.
        if file.uri.startswith(("file://", "/")):
            return Path(file.uri.removeprefix("file://"))
        fs, path = fsspec.core.url_to_fs(file.uri) if outside else (self.fs, self.path(file.uri))
        return Path(path) if isinstance(fs, LocalFileSystem) else _download(fs, path, file)


def _download(fs: Any, path: str, file: FileRef) -> Path:
    """Copy a remote file to the node's cache, once."""
    with disk_faults(f"a copy of {file.uri}", cache_root()):
        target = cache_entry(file.sha256[:2], file.sha256) / path.rpartition("/")[2]
        if not target.exists():
            with whole_file(target) as partial:
                fs.get_file(path, str(partial))
    return target
