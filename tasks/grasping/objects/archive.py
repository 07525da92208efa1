"""A user's folder of objects as one zip file, so that it reaches every worker unchanged."""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tasks.core.errors import DataError
from tasks.core.files import whole_file
from tasks.grasping.objects.cache import cache_folder
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import MESH_SUFFIXES

MAX_BYTES = 4_000_000_000
"""Unpacked size above which a zip is refused: more is a mistake, or an attack."""

_SUFFIXES = {".urdf", ".mtl", ".png", ".jpg", ".jpeg", *MESH_SUFFIXES}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever and wherever it is packed


def pack(folder: Path, zip_path: Path) -> Path:
    """Pack the models of a folder, with all that their files may name.

    Args:
        folder: URDF files, meshes and their pictures, in any subfolders; other files stay out.
        zip_path: File to write; it appears whole. Equal folders give equal bytes.

    Returns:
        `zip_path`.

    Raises:
        ConfigError: The folder is missing or has no URDF file.
    """
    catalogue("folder", folder)  # says what is amiss with the folder itself
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    }
    with whole_file(zip_path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, path.read_bytes())
    return zip_path


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
    parent = cache_folder("objects")
    target = parent / digest
    if target.is_dir():
        return target
    partial = Path(tempfile.mkdtemp(prefix=f".{digest[:8]}-", dir=parent))
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
            entries = archive.infolist()
            for entry in entries:
                _check_entry(entry, zip_path)
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise DataError(f"{zip_path}: unpacked it is larger than {MAX_BYTES:,} bytes")
            archive.extractall(folder)  # every entry was checked
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{zip_path} is no whole zip file: {error}; pack it again") from error


def _check_entry(entry: zipfile.ZipInfo, zip_path: Path) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    mode = entry.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise DataError(
            f"{zip_path}: entry {entry.filename!r} points outside of the folder; pack it again"
        )
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or not stat.S_IFMT(mode)):
        raise DataError(f"{zip_path}: entry {entry.filename!r} is no plain file; pack it again")
