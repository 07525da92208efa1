"""Which folders are captures.

A folder of captures may hold further folders of captures. A capture is a folder that holds
``images/`` or photos; or folders of photos and a rig, or folders of one photo each: those of its
cameras (`captures`). Clutter, such as names that begin with a dot, is ignored.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.folders import is_clutter
from tasks.panorama.input.captures import NO_CAMERAS, RIG_FOLDERS, find_rig
from tasks.panorama.input.formats import is_from_camera
from tasks.panorama.manifests import CaptureFolder

MAX_ENTRIES = 1_000_000  # files and folders that are looked at to find the captures
MAX_ID_BYTES = 200
# Files that stand beside the captures where panoramas are exported.
_NOT_IDS = frozenset({"report.html", "viewer.html", "contact_sheet.jpg", "catalogue.parquet"})
_MAX_DEPTH = 4


def find_captures(root: Path) -> tuple[dict[str, Path], list[Skipped]]:
    """Find the captures of a folder.

    Args:
        root: A capture, or a folder of captures.

    Returns:
        Folder of each capture by id, in order: the folder's name, or its path below `root`
        joined with dashes; an empty folder counts as a capture: a bad one. And the folders that
        can't be captures, by their paths below `root`, each with its reason.

    Raises:
        DataError: `root` does not exist, can't be read, holds nothing or far too much.
    """
    try:
        root = root.resolve()
        if not root.exists():
            raise DataError(f"{root}: expected a folder with captures, but it does not exist.")
        if not root.is_dir():
            raise DataError(f"{root}: expected a folder with captures, found a file.")
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{shown(root)}: expected a folder with captures, can't look at it: {error}."
        ) from error
    search = _Search(root)
    if _is_capture(search.entries(root)):
        folders = [root]
    else:
        folders = search.whole(root, list(search.folders(root, depth=1)))
    if not folders and not search.odd:
        raise DataError(
            f"{root}: expected photos, or folders with photos, found none. A capture is a folder "
            "with images/ and, if known, its rig."
        )
    captures, unusable = _named(folders, root)
    return captures, [*search.odd, *unusable]


def frame_id(item_id: str, frame: str, frames: Sequence[str]) -> str:
    """Id of one frame of a capture: the capture's own where there is one alone."""
    return f"{item_id}-{frame}" if len(frames) > 1 else item_id


def told_apart(found: Sequence[CaptureFolder | Skipped]) -> list[CaptureFolder | Skipped]:
    """Captures and frames whose ids would do harm, or are another's, as what can't be used."""
    ids = Counter(_folded(each.item_id) for each in found if isinstance(each, CaptureFolder))
    result: list[CaptureFolder | Skipped] = []
    for each in found:
        if isinstance(each, CaptureFolder):
            reason = _oddity(each.item_id)
            if not reason and ids[_folded(each.item_id)] > 1:
                reason = f"another capture is named {each.item_id!r} too; rename one of them"
            if reason:
                each = Skipped(item_id=shown(each.item_id), reason=f"{each.path}: {reason}.")
        result.append(each)
    return result


class _Search:
    """A walk through folders of captures that comes to an end."""

    def __init__(self, root: Path) -> None:
        self.odd: list[Skipped] = []
        self._root = root
        self._num_seen = 0
        self._known: dict[Path, list[Path]] = {}

    def folders(self, folder: Path, depth: int) -> Iterator[Path]:
        """Folders that are captures, or are to be told that they are none."""
        for path in self.entries(folder):
            if path.name in NO_CAMERAS or not path.is_dir():
                continue
            if path.is_symlink():
                reason = (
                    "it is a link to a folder, which isn't followed; put the folder itself there"
                )
                self.odd.append(_skipped(path, self._root, reason))
                continue
            if depth == _MAX_DEPTH or self._holds_photos(path):
                yield path
                continue
            inner = list(self.folders(path, depth + 1))
            yield from self.whole(path, inner) or [path]

    def whole(self, folder: Path, inner: list[Path]) -> list[Path]:
        """A folder alone, where what seem captures in it are its cameras' folders; else these."""
        if not inner or any(path.parent != folder for path in inner):
            return inner
        entries = [self.entries(path) for path in inner]
        if any(path.name == "images" for each in entries for path in each):
            return inner
        if find_rig(folder, self._rig_files(folder)) is not None:
            return [folder]
        # A capture has two photos at least.
        num_photos = [sum(is_from_camera(path.name) for path in each) for each in entries]
        return [folder] if len(inner) > 1 and set(num_photos) == {1} else inner

    def _rig_files(self, folder: Path) -> list[Path]:
        models = [folder / name / "cameras.txt" for name in RIG_FOLDERS]
        projects = [path for path in self.entries(folder) if path.suffix.lower() == ".pto"]
        return [*(path for path in models if path.is_file()), *projects[:1]]

    def entries(self, folder: Path) -> list[Path]:
        """What a folder holds, in order, but for clutter.

        Raises:
            DataError: It can't be read, or there was too much already.
        """
        if folder in self._known:
            return self._known[folder]
        try:
            with os.scandir(folder) as found:  # a list of all would be made before it is counted
                names = [each.name for each in islice(found, MAX_ENTRIES + 1 - self._num_seen)]
        except OSError as error:
            raise DataError(
                f"{shown(folder)}: expected a readable folder: {error.strerror}; check its "
                "permissions."
            ) from error
        self._num_seen += len(names)
        if self._num_seen > MAX_ENTRIES:
            raise DataError(
                f"{shown(self._root)}: expected captures, found more than {MAX_ENTRIES:,} files "
                "and folders; name the folder that holds the captures alone."
            )
        self._known[folder] = [folder / name for name in sorted(names) if not is_clutter(name)]
        return self._known[folder]

    def _holds_photos(self, folder: Path) -> bool:
        try:
            return _is_capture(self.entries(folder))
        except DataError:
            if self._num_seen > MAX_ENTRIES:
                raise
            return True  # a folder that can't be read is a bad capture


def _is_capture(entries: Iterable[Path]) -> bool:
    # A capture whose photos can't be read is one, too: then this is to be said.
    return any(
        (path.name == "images" and path.is_dir()) or (is_from_camera(path.name) and path.is_file())
        for path in entries
    )


def _named(folders: Sequence[Path], root: Path) -> tuple[dict[str, Path], list[Skipped]]:
    """Captures by their ids; those whose names would do harm, or are taken, are told apart."""
    ids = {path: "-".join(path.relative_to(root).parts) or root.name for path in folders}
    times = Counter(map(_folded, ids.values()))
    captures, unusable = {}, []
    for path, name in ids.items():
        reason = _oddity(name)
        if not reason and times[_folded(name)] > 1:
            reason = f"another folder's capture would be named {name!r} too; rename one of them"
        if reason:
            unusable.append(_skipped(path, root, reason))
        else:
            captures[name] = path
    return captures, unusable


def _folded(name: str) -> str:
    """A name as file systems tell it from others that don't heed case or accents' make."""
    return unicodedata.normalize("NFC", name).casefold()


def _oddity(name: str) -> str:
    """Why a name can't be that of a capture, and so of a folder; empty if it can."""
    if shown(name) != name:
        return "its name is no UTF-8; rename it"
    if any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") for each in name):
        return "its name holds control characters; rename it"
    if len(name.encode()) > MAX_ID_BYTES:
        return f"its name is longer than {MAX_ID_BYTES} bytes; rename it"
    if _folded(name) in _NOT_IDS or name != name.strip(" ."):
        return (
            "its name is that of a report's file, or begins or ends with a blank or dot; rename it"
        )
    return ""


def _skipped(path: Path, root: Path, reason: str) -> Skipped:
    place = path.relative_to(root).as_posix() if path != root else root.name
    return Skipped(item_id=shown(place), reason=f"{shown(path)}: {reason}.")
