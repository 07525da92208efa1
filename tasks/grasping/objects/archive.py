"""A user's folder of objects as one zip file, so that it reaches every worker unchanged."""

from __future__ import annotations

import errno
import hashlib
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from tasks.core.errors import ConfigError, DataError
from tasks.core.files import read_bytes, shown, whole_file
from tasks.core.outside.cache import UNFINISHED, cache_entry
from tasks.core.ports import Skipped
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import MESH_SUFFIXES
from tasks.grasping.objects.materials import MAX_FILE_BYTES
from tasks.intake.folders import files_below

MAX_BYTES = 4_000_000_000
"""Unpacked size above which a zip is refused: more is a mistake, or an attack."""

MAX_ENTRIES = 200_000
_ODD_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, None}
_SUFFIXES = {".urdf", ".mtl", ".png", ".jpg", ".jpeg", *MESH_SUFFIXES}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever and wherever it is packed


def pack(folder: Path, zip_path: Path, leave_out: Collection[Path] = ()) -> Path:
    """Pack the models of a folder, with all that their files may name.

    Args:
        folder: URDF files, meshes and their pictures, in any subfolders; other files stay out.
        zip_path: File to write; it appears whole. Equal folders give equal bytes.
        leave_out: Files that stay out.

    Returns:
        `zip_path`.

    Raises:
        ConfigError: The folder is missing or has no URDF file, or its files are too large.
    """
    catalogue("folder", folder)  # says what is amiss with the folder itself
    files = {path.relative_to(folder).as_posix(): path for path in files_to_pack(folder)[0]}
    files = {name: path for name, path in files.items() if path not in leave_out}
    with whole_file(zip_path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, read_bytes(path, MAX_FILE_BYTES, "a part of a model"))
    return zip_path


def files_to_pack(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """Files of a folder that models may need; and what can't be used, with the reason.

    Raises:
        ConfigError: They are larger than what is unpacked again.
    """
    found, odd = files_below(folder, max_entries=MAX_ENTRIES)
    files = [path for path in found if path.suffix.lower() in _SUFFIXES]
    num_bytes = sum(path.stat().st_size for path in files)
    if num_bytes > MAX_BYTES:
        raise ConfigError(
            f"objects.folder: expected models of at most {MAX_BYTES:,} bytes in {folder}, got "
            f"{num_bytes:,}; name the folder that holds them alone"
        )
    return files, odd


def unpack(zip_path: Path) -> Path:
    """Unpack models into this machine's cache, once; whole or not at all.

    Returns:
        The folder. It is named after the zip's bytes, so that equal zips share it.

    Raises:
        DataError: The file is no whole zip, an entry would land outside of the folder or is no
            plain file, or it is too large.
    """
    with zip_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache_entry("objects", digest)
    if target.is_dir():
        return target
    partial = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent))
    try:
        _extract(zip_path, partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was first, with the same files
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
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
