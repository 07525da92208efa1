"""Copies of what lies in object stores, for code that reads paths.

A copy is whole or not there, and named after all that the store says of its files: where one of
them changes, there is another copy. It lies in the node's cache and serves later runs there.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tasks.core.digests import digest
from tasks.core.errors import DataError, ResourceError
from tasks.core.files import user_path
from tasks.core.outside.cache import cache_entry, filled
from tasks.core.outside.stored import StoredFile, StoredFolder, fingerprint, is_stored

MAX_FILES = 5_000_000


def path_of(place: str, setting: str) -> Path:
    """Return the absolute path of what a setting names: its own, or that of a copy.

    Args:
        place: A path, or the URI of a stored folder or file.
        setting: Name of the setting, for messages.

    Raises:
        ConfigError: No file system can have such a path.
        DataError: The store has nothing there.
        ResourceError: The store refuses access, or this disk has no room for a copy.
        TransientError: The store can't be reached.
    """
    return copy_of(place) if is_stored(place) else user_path(place.removeprefix("file://"), setting)


def copy_of(place: str) -> Path:
    """Return the path of a copy of a stored folder, or of one stored file.

    Args:
        place: Its URI.

    Returns:
        A path that ends as the URI does.

    Raises:
        DataError: There is nothing, or something changed while it was copied.
        ResourceError: The store refuses access, or this disk has no room.
        TransientError: The store can't be reached.
    """
    place = place.rstrip("/")
    above, _, name = place.rpartition("/")
    folder, files = StoredFolder(place), StoredFolder(place).files(MAX_FILES)
    if not files:
        folder, file = StoredFolder(above), StoredFolder(above).file(name)
        if file is None:
            raise DataError(f"{place}: expected a file or folder, found nothing; correct it")
        files = {name: file}
    whole = cache_entry("places", digest([place, fingerprint(files)]))
    if not whole.exists():
        _fill(whole, folder, files, "" if folder.uri == above else name)
    return whole / name


def _fill(whole: Path, folder: StoredFolder, files: Mapping[str, StoredFile], below: str) -> None:
    """Fetch all files, if there is room for them."""
    needed, free = sum(f.num_bytes for f in files.values()), shutil.disk_usage(whole.parent).free
    if needed > free:
        raise ResourceError(
            f"{folder.uri}: its copy needs {needed:,} bytes, and {whole.parent} has {free:,} left; "
            "free some, or name another disk in ORRERY_CACHE"
        )
    with filled(whole) as copy:
        for name, file in files.items():
            folder.fetch(name, file, copy / below / name)
