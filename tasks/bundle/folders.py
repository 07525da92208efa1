"""A bundle's folder: sealed when it is whole, and believed only where its digests hold.

What is read may be of unknown origin. Links are not followed, files that `bundle.json` doesn't name
are refused, and sizes are compared before anything is read.
"""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tasks.bundle.manifest import Bundle, File, parse_bundle
from tasks.core.digests import file_digest
from tasks.core.errors import DataError
from tasks.core.files import PARTIAL, flush, read_text, shown, whole_file
from tasks.core.models import BUNDLE_FILE

MAX_BYTES: Final = 50_000_000_000
_MAX_MANIFEST_BYTES: Final = 20_000_000
_MAX_ENTRIES: Final = 20_000
_AGAIN = "copy the bundle again"


def read_bundle(folder: Path, max_bytes: int = MAX_BYTES, network: str | None = None) -> Bundle:
    """Read what a folder's `bundle.json` says, and make sure that its files are those.

    Args:
        folder: The bundle.
        max_bytes: Size of all its files above which it is refused, unread.
        network: The network that is asked for, its first if empty: files of the others are not
            read, which saves half of the time where the same network is there twice. None: all.

    Raises:
        DataError: It is no bundle; a file is missing, has other bytes, is a link, or is not named
            by it; or they are larger than allowed.
    """
    bundle = read_manifest(folder)
    where = shown(folder)
    total = sum(each.num_bytes for each in bundle.files.values())
    if total > max_bytes:
        raise DataError(f"{where}: expected a bundle of at most {max_bytes:,} bytes, got {total:,}")
    there = _sizes(folder)
    if missing := set(bundle.files) - set(there):
        raise DataError(f"{where}: its file {min(missing)} is missing; {_AGAIN}")
    if odd := set(there) - set(bundle.files) - {BUNDLE_FILE}:
        raise DataError(
            f"{where}: {shown(min(odd))} is not named by its {BUNDLE_FILE}; take it out"
        )
    unread = _of_others(bundle, network) if network is not None else set()
    for name, file in bundle.files.items():
        is_read = name not in unread
        if there[name] != file.num_bytes or (is_read and file_digest(folder / name) != file.sha256):
            raise DataError(
                f"{where}: {name} is not what {BUNDLE_FILE} says: expected {file.num_bytes:,} "
                f"bytes of SHA-256 {file.sha256[:9]}…, got others ({there[name]:,} bytes); {_AGAIN}"
            )
    return bundle


def _of_others(bundle: Bundle, network: str) -> set[str | None]:
    """Files that only other networks name."""
    mine = network or next(iter(bundle.networks))
    others = {each.file for name, each in bundle.networks.items() if name != mine}
    return others - {each.file for name, each in bundle.networks.items() if name == mine}


def read_manifest(folder: Path) -> Bundle:
    """Read what a folder's `bundle.json` says, and believe it.

    Raises:
        DataError: It is none.
    """
    path = folder / BUNDLE_FILE
    if path.is_symlink():
        raise DataError(f"{shown(path)}: expected a file, got a link; put the file itself there")
    text = read_text(path, _MAX_MANIFEST_BYTES, f"a bundle's {BUNDLE_FILE}")
    return parse_bundle(text, shown(path))


def write_manifest(folder: Path, bundle: Bundle) -> Bundle:
    """Write a folder's `bundle.json`, which appears whole; returns what it says.

    Raises:
        DataError: It would not be read back.
    """
    written = parse_bundle(bundle.text(), shown(folder))
    with whole_file(folder / BUNDLE_FILE) as path:
        path.write_text(written.text())
    return written


def files_of(folder: Path) -> dict[str, File]:
    """Digests and sizes of all files of a folder but its `bundle.json`.

    Raises:
        DataError: There is a link, or what is neither file nor folder.
    """
    return {
        name: File(sha256=file_digest(folder / name), num_bytes=size)
        for name, size in sorted(_sizes(folder).items())
        if name != BUNDLE_FILE
    }


def gather(files: Mapping[str, Path], folder: Path) -> Bundle:
    """Copy a bundle's files from wherever they lie into a folder, which appears whole.

    Args:
        files: Where they lie, by their names in the bundle, `bundle.json` among them.
        folder: The bundle's folder, which must not exist.

    Raises:
        DataError: They are no bundle.
    """
    with whole_folder(folder) as partial:
        for name, path in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, partial / name)
        return read_bundle(partial)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into; it then appears under its name, flushed to the disk.

    A block that raises leaves nothing.

    Raises:
        DataError: The folder is there by the end of the block.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    partial.mkdir()
    try:
        yield partial
        for place, _, names in os.walk(partial):
            for name in names:
                flush(Path(place, name))
            flush(Path(place))
        try:
            partial.rename(folder)
        except OSError as error:
            raise DataError(
                f"{shown(folder)}: expected a place where no folder is yet: {error.strerror}"
            ) from error
        flush(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file below a folder, links not followed.

    Raises:
        DataError: There is a link, or what is neither file nor folder, or more than any bundle has.
    """
    found: dict[str, int] = {}
    pending, num_entries = [folder], 0
    while pending:
        for path in pending.pop().iterdir():
            num_entries += 1
            name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            if num_entries > _MAX_ENTRIES or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "no plain file, or one of too many"
                raise DataError(
                    f"{shown(folder)}: expected at most {_MAX_ENTRIES:,} plain files, "
                    f"{shown(name)} is {kind}; take it out"
                )
            if stat.S_ISDIR(mode):
                pending.append(path)
            else:
                found[name] = path.lstat().st_size
    return found
