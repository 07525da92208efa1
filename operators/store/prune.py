"""Removes what a store no longer needs; `make prune` calls it.

Removed, once older than the given days: stage folders without a valid manifest, checkpoints,
reports and claims of unfinished items, and items whose files no finished result refers to. Drafts
of processes that have ended go at once. Finished results stay.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from operators.owners import is_nobodys
from operators.store.storage import CLAIMS, DRAFTS, TRAINING, Storage
from tasks.core.errors import ArtifactError
from tasks.core.records import references

logger = logging.getLogger(__name__)

_OURS = (DRAFTS, TRAINING, CLAIMS)
_KEY = re.compile(r"[0-9a-f]{64}(-[0-9]+|-journal)?")


def prune(storage: Storage, older_than: timedelta, *, dry_run: bool = False) -> list[str]:
    """Remove what is no longer needed.

    Args:
        storage: The store.
        older_than: What changed later than this ago stays.
        dry_run: Only say what would go.

    Returns:
        The folders, relative to the store's root.
    """
    before = datetime.now(UTC) - older_than
    rubbish = [
        path
        for path in _unneeded(storage)
        if _is_dead_draft(path) or _changed(storage, path) < before
    ]
    for path in rubbish:
        logger.info("%s %s/%s", "would remove" if dry_run else "removing", storage.uri, path)
        if not dry_run:
            with suppress(FileNotFoundError):  # another one was faster
                storage.fs.rm(storage.path(path), recursive=True)
    return rubbish


def _unneeded(storage: Storage) -> Iterator[str]:
    items: list[str] = []
    used: set[str] = set()
    for top in _OURS:
        yield from _folders(storage, top)
    for pipeline in _folders(storage, ""):
        for stage in _folders(storage, pipeline) if pipeline not in _OURS else ():
            for folder in _folders(storage, stage):
                name = folder.rpartition("/")[2]
                if name == "items":
                    items.extend(each for each in _folders(storage, folder) if _is_ours(each))
                elif not _is_ours(name):
                    continue
                elif (content := _content(storage, folder)) is None:
                    yield folder
                else:
                    used.update(str(each["uri"]) for each in references(content))
    owners = {"/".join(uri.split("/")[:4]) for uri in used}
    yield from (item for item in items if item not in owners)


def _is_ours(path: str) -> bool:
    """Whether a folder bears the name of a result or item: a store may lie above other data."""
    return _KEY.fullmatch(path.rpartition("/")[2]) is not None


def _is_dead_draft(path: str) -> bool:
    top, _, name = path.partition("/")
    return top == DRAFTS and is_nobodys(name)


def _folders(storage: Storage, parent: str) -> list[str]:
    try:
        entries = storage.fs.ls(storage.path(parent).rstrip("/"), detail=True)
    except FileNotFoundError:
        return []
    # what a link leads to is not the store's
    found = [each for each in entries if each["type"] == "directory" and not each.get("islink")]
    names = [each["name"].rstrip("/").rpartition("/")[2] for each in found]
    return [f"{parent}/{name}".lstrip("/") for name in names]


def _content(storage: Storage, folder: str) -> Any:
    """Content of a finished result; None if the folder is rubbish."""
    try:
        manifest = storage.read(folder)
    except ArtifactError:
        return None
    return manifest.content if manifest else None


def _changed(storage: Storage, folder: str) -> datetime:
    """When the newest file of a folder, or an empty folder itself, was changed; now if it goes."""
    path = storage.path(folder)
    try:
        times = [storage.fs.modified(file) for file in storage.fs.find(path) or [path]]
    except FileNotFoundError:  # it is in use
        return datetime.now(UTC)
    newest: datetime = max(t if t.tzinfo else t.replace(tzinfo=UTC) for t in times)
    return newest
