"""Folders of unknown origin: links that lead elsewhere, names that are no text, no end of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.files import disk_fault, shown
from tasks.core.ports import Skipped

MAX_ENTRIES = 5_000_000
"""Files and folders above which a folder is refused: a whole disk was named by mistake."""
# Of Windows and macOS, and of network drives by Synology and QNAP.
_CLUTTER = frozenset(
    (
        *("thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "__macosx"),
        *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "lost+found"),
    )
)


def is_clutter(name: str) -> bool:
    """Whether a file or folder is what systems and tools leave behind: hidden, or thumbnails."""
    return name.startswith(".") or name.lower() in _CLUTTER


def files_below(
    folder: Path, *, max_entries: int = MAX_ENTRIES
) -> tuple[list[Path], list[Skipped]]:
    """List the files of a folder and its subfolders, sorted; clutter doesn't count.

    Links are followed to files inside the folder alone, so that nothing is read that wasn't
    named, and no circle is walked.

    Args:
        folder: Where to look.
        max_entries: Files and folders above which it is refused.

    Returns:
        The plain files; and what can't be used, by its path inside the folder, with the reason.

    Raises:
        DataError: The folder can't be read, or has more entries.
    """
    files: list[Path] = []
    odd: list[Skipped] = []
    root = os.path.realpath(folder)
    for count, entry in enumerate(_entries(folder, odd), start=1):
        if count > max_entries:
            raise DataError(
                f"{shown(folder)}: expected at most {max_entries:,} files and folders, found more; "
                "name the folder that holds the data alone"
            )
        path = Path(entry.path)
        if (reason := _oddity(entry, root)) is not None:
            odd.append(Skipped(item_id=shown(path.relative_to(folder)), reason=reason))
        elif not entry.is_dir():
            files.append(path)
    return sorted(files), sorted(odd, key=lambda each: each.item_id)


def _entries(folder: Path, odd: list[Skipped]) -> Iterator[os.DirEntry[str]]:
    """All that isn't clutter, a folder before what it holds."""
    pending = [folder]
    while pending:
        place = pending.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_clutter(entry.name):
                        continue
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
        except OSError as error:
            if fault := disk_fault(error, shown(place), "see to the disk"):
                raise fault from error
            if place == folder:
                raise DataError(
                    f"{shown(folder)}: expected a folder, can't read it: {error.strerror}"
                ) from error
            inside = shown(place.relative_to(folder))
            odd.append(Skipped(item_id=inside, reason=f"can't be read: {error.strerror}"))


def _oddity(entry: os.DirEntry[str], root: str) -> str | None:
    """Why an entry can't be used; None if it can."""
    if shown(entry.name) != entry.name:
        return "its name is no UTF-8; rename it"
    try:
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if os.path.commonpath([target, root]) != root:
                return "it is a link out of the folder; put the file itself there"
            if entry.is_dir():
                return "it is a link to a folder, which isn't followed; put the folder itself there"
        if not (entry.is_file() or entry.is_dir()):
            return "it is no plain file; take it out"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return None
