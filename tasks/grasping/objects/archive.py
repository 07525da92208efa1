"""A user's objects as one zip file, so that they reach every worker as they were checked.

The zip holds rewritten models alone, each in a folder of its own, and an index of what they are.
"""

from __future__ import annotations

import errno
import json
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from tasks.core.digests import file_digest
from tasks.core.errors import DataError
from tasks.core.files import shown, whole_file
from tasks.core.outside.cache import cache_entry, filled

MAX_BYTES = 4_000_000_000
"""Unpacked size above which a zip is refused: more is a mistake, or an attack."""

_ODD_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, None}
_INDEX = "objects.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever and wherever it is packed


@dataclass(frozen=True)
class IndexEntry:
    """What is known of a packed object.

    Attributes:
        object_id: Its id, after the user's file.
        urdf: Its URDF file, relative to the folder that it is unpacked into.
        shape_digest: Digest of what it is as a body; decides its split.
        reach_m: No point of it is further from its centre of mass.
    """

    object_id: str
    urdf: str
    shape_digest: str
    reach_m: float


def pack(zip_path: Path, objects: Iterable[tuple[IndexEntry, Mapping[str, bytes]]]) -> Path:
    """Pack rewritten models.

    Args:
        zip_path: File to write; it appears whole. Equal objects give equal bytes.
        objects: Each with its files by name, relative to the folder of its URDF file.

    Returns:
        `zip_path`.
    """
    index = []
    with whole_file(zip_path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for entry, files in objects:
            index.append(asdict(entry))
            for name, content in sorted(files.items()):
                _add(archive, str(PurePosixPath(entry.urdf).parent / name), content)
        _add(archive, _INDEX, json.dumps(index, indent=1).encode())
    return zip_path


def read_index(unpacked: Path) -> list[IndexEntry]:
    """List the objects of an unpacked zip file, in the order in which they were packed.

    Raises:
        DataError: It has no index, or a damaged one.
    """
    path = unpacked / _INDEX
    try:
        return [IndexEntry(**each) for each in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: expected the index of packed objects: {error}; plan again"
        ) from error


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    archive.writestr(entry, content)


def unpack(zip_path: Path) -> Path:
    """Unpack models into this machine's cache, once; whole or not at all.

    Returns:
        The folder. It is named after the zip's bytes, so that equal zips share it.

    Raises:
        DataError: The file is no whole zip, an entry would land outside of the folder or is no
            plain file, or it is too large.
    """
    target = cache_entry("objects", file_digest(zip_path))
    if not target.is_dir():
        with filled(target) as folder:
            _extract(zip_path, folder)
    return target


def _extract(zip_path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(zip_path) as archive:
            _check_entries(archive.infolist(), zip_path)
            archive.extractall(folder)  # every entry was checked
    except DataError:
        raise
    except OSError as error:
        if error.errno not in _ODD_NAMES:  # a full disk is no fault of the file
            raise
        name = shown(str(error.filename))
        raise DataError(f"{zip_path}: can't unpack {name!r}; pack it again") from error
    except Exception as error:  # each way of packing stumbles in ways of its own
        raise DataError(f"{zip_path} is no whole zip file: {error}; pack it again") from error


def _check_entries(entries: list[zipfile.ZipInfo], zip_path: Path) -> None:
    for entry in entries:
        _check_entry(entry, zip_path)
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise DataError(f"{zip_path}: unpacked it is larger than {MAX_BYTES:,} bytes")


def _check_entry(entry: zipfile.ZipInfo, zip_path: Path) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    mode = entry.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise DataError(
            f"{zip_path}: entry {entry.filename!r} points outside of the folder; pack it again"
        )
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or not stat.S_IFMT(mode)):
        raise DataError(f"{zip_path}: entry {entry.filename!r} is no plain file; pack it again")
