"""The folder of an export: it appears whole or not at all, and never over what is not ours.

An export is written into a hidden folder beside its target and renamed at the end. A note inside
says what it was made from: the same again is left alone, an older export of ours is replaced,
anything else is refused. What a killed export left is removed by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from tasks.core.digests import digest, file_digest
from tasks.core.errors import ConfigError, DataError
from tasks.core.files import read_bytes
from tasks.core.folder_lock import locked

NOTE: Final = "orrery_export.json"
_SETTING: Final = "publish.export_to"  # what names the folder, for those that call a stage


@dataclass(frozen=True)
class Exported:
    """What an export holds.

    Attributes:
        format_id: Format and its version, e.g. ``lerobot/v3.0``.
        num_attempts: Attempts.
        num_frames: Decisions of all attempts, each with its picture.
        num_files: Files below the folder, the note not counted.
        num_bytes: Their size.
    """

    format_id: str
    num_attempts: int
    num_frames: int
    num_files: int
    num_bytes: int


@dataclass(frozen=True)
class Written:
    """What a writer says of its work: attempts and frames."""

    num_attempts: int
    num_frames: int


@dataclass(frozen=True)
class _Note:
    """What an export leaves of itself in its folder.

    Attributes:
        source: Digest of what it was made from.
        exported: What it holds.
    """

    source: str
    exported: Exported


_NOTES = TypeAdapter(_Note)
_MAX_NOTE_BYTES = 100_000


def export_to(
    target: Path,
    format_id: str,
    shards: Sequence[Path],
    write: Callable[[Path], Written],
    settings: dict[str, Any] | None = None,
) -> Exported:
    """Write an export, or find that it is there already.

    Args:
        target: Its folder; it need not exist.
        format_id: Format and version of the export.
        shards: What it is made from.
        write: Fills an empty folder.
        settings: What else decides its content.

    Returns:
        What the folder holds.

    Raises:
        ConfigError: The folder holds what no export wrote, or is a file.
        DataError: There are no shards.
        ResourceError: The folder can't be written.
        TransientError: Another run writes into the same folder now.
    """
    if not shards:
        raise DataError(f"expected shards to export to {target}, got none")
    with locked(target.parent, f"an export to {format_id}", _SETTING):
        _check_ours(target)
        _tidy(target)
        source = digest([format_id, settings or {}, [file_digest(path) for path in shards]])
        found = _found(target, source)
        if found is not None:
            return found
        draft = _beside(target, "partial")
        draft.mkdir()
        try:
            written = write(draft)
            made = Exported(format_id, written.num_attempts, written.num_frames, *_measure(draft))
            note = json.dumps(asdict(_Note(source, made)), indent=2)
            (draft / NOTE).write_text(note + "\n", "utf-8")
            _place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)  # on a full disk it would be in the way
    return made


def _check_ours(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise ConfigError(
            f"can't export to {target}: expected a folder, found a file; choose another folder as "
            f"{_SETTING}"
        )
    if target.is_dir() and any(target.iterdir()) and not (target / NOTE).is_file():
        raise ConfigError(
            f"can't export to {target}: expected an empty folder or an earlier export, found "
            f"other files; choose another folder as {_SETTING}"
        )


def _beside(target: Path, kind: str) -> Path:
    return target.parent / f".{target.name}.{kind}"


def _tidy(target: Path) -> None:
    """Undo what a killed export left; between its two renames the old export stands aside."""
    old = _beside(target, "old")
    if old.is_dir() and not old.is_symlink() and not target.exists():
        old.rename(target)
    for kind in ("old", "partial"):
        left = _beside(target, kind)
        if left.is_symlink() or left.is_file():  # none of ours, and it would be in the way
            left.unlink()
        shutil.rmtree(left, ignore_errors=True)


def _found(target: Path, source: str) -> Exported | None:
    """What the target holds, if it is what is asked for; None if it may be written."""
    try:
        note = _NOTES.validate_json(read_bytes(target / NOTE, _MAX_NOTE_BYTES, "an export's note"))
    except (DataError, ValidationError):
        return None  # there is no export, or its note was cut short
    noted = note.exported
    num_files, num_bytes = _measure(target)
    if note.source == source and (num_files, num_bytes) == (noted.num_files, noted.num_bytes):
        return noted
    if num_files > noted.num_files:
        raise ConfigError(
            f"can't replace the export in {target}: it has {num_files} files, and "
            f"{noted.num_files} were exported; move the others, or choose another folder as "
            f"{_SETTING}"
        )
    return None


def _measure(folder: Path) -> tuple[int, int]:
    """Number of files below an export, and their bytes."""
    files = (Path(place, each) for place, _, names in os.walk(folder) for each in names)
    sizes = [p.lstat().st_size for p in files if p != folder / NOTE]
    return len(sizes), sum(sizes)


def _place(draft: Path, target: Path) -> None:
    """Put a finished draft where its target is, on the disk and not only in its cache."""
    for path in [*draft.rglob("*"), draft]:
        _flush(path)
    old = _beside(target, "old")
    if target.exists():
        target.rename(old)
    draft.rename(target)
    _flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
