"""Captures in folders: which there are, and what lies in one.

A capture is a folder with

- ``images/`` with 2 to 100 photos (or the photos lie in the folder itself); a camera's name is
  its photo's path below ``images/`` without ending;
- one rig, or none: a COLMAP text model in ``sparse/`` (``sparse/0/``) or ``rig/``, or a Hugin
  project ``*.pto``. Without a rig the photos are calibrated from their content;
- ``masks/``, optional: ``<name>.png`` or, as COLMAP has it, ``<name>.jpg.png``; a pixel of the
  photo is used where its mask is not black;
- ``truth/``, optional: what a simulated capture really was.

A folder of captures may hold further folders of captures. Names that begin with a dot are
ignored. Links are followed to files of the same capture alone: what lies elsewhere was not named.
"""

from __future__ import annotations

import hashlib
import logging
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.files import shown
from tasks.core.ports import Skipped
from tasks.intake.folders import files_below, is_clutter
from tasks.panorama.input.formats import (
    FORMATS,
    is_from_camera,
    is_heic,
    is_photo,
    reads_heic,
    why_ignored,
)
from tasks.panorama.input.rig_files.checks import MAX_CAMERAS, MIN_CAMERAS

MAX_ENTRIES = 100_000  # files and folders that are looked at to find the captures
MAX_FILES = 20_000  # of one capture
MAX_ID_BYTES = 200
_LOG = logging.getLogger(__name__)
_RIG_FOLDERS = ("sparse", "sparse/0", "rig")
_NOT_CAPTURES = frozenset({"images", "masks", "truth", "sparse", "rig"})
# Without what lies there, the panorama would be another one.
_DECISIVE = frozenset({"masks", "sparse", "rig"})
# Files that stand beside the captures where panoramas are exported.
_NOT_IDS = frozenset({"report.html", "contact_sheet.jpg"})
_MAX_DEPTH = 4


@dataclass(frozen=True)
class CaptureFiles:
    """The files of one capture.

    Attributes:
        photos: Path of each photo by name, in order.
        masks: Path of each mask by the name of its photo.
        rig: Folder of a COLMAP model or path of a Hugin project; None without a rig.
        truth: Files of ``truth/`` by name.
        odd: Why others that lie among the photos are not used, by their paths in the capture.
    """

    photos: Mapping[str, Path]
    masks: Mapping[str, Path]
    rig: Path | None
    truth: Mapping[str, Path]
    odd: Mapping[str, str]


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
    folders = [root] if _is_capture(search.entries(root)) else list(search.folders(root, depth=1))
    if not folders and not search.odd:
        raise DataError(
            f"{root}: expected photos, or folders with photos, found none. A capture is a folder "
            "with images/ and, if known, its rig."
        )
    captures, unusable = _named(folders, root)
    return captures, [*search.odd, *unusable]


def survey(folder: Path) -> CaptureFiles:
    """List the files of a capture.

    Raises:
        DataError: There are not 2 to 100 photos, two have one name, it has several rigs, or a rig
            or mask that can't be read.
    """
    files, odd = files_below(folder, max_entries=MAX_FILES)
    for each in odd:
        place = Path(each.item_id)
        if place.parts[0] in _DECISIVE or place.suffix.lower() == ".pto":
            raise DataError(f"{folder / each.item_id}: {each.reason}.")
        _LOG.warning("%s: %s is left out: %s", folder, each.item_id, each.reason)
    images = folder / "images"
    within = images if images.is_dir() else folder
    nearby = [path for path in files if within in path.parents]
    if within == folder:
        nearby = [path for path in nearby if path.parent == folder]
    photos = _by_name((path for path in nearby if is_photo(path.name)), within)
    odd = [
        *(e for e in odd if _may_be_photo(folder / e.item_id, within)),
        *_ignored(nearby, folder),
    ]
    if not MIN_CAMERAS <= len(photos) <= MAX_CAMERAS:
        raise DataError(
            f"{within}: expected {MIN_CAMERAS} to {MAX_CAMERAS} photos ({FORMATS}), found "
            f"{len(photos)}{_also(odd)}."
        )
    return CaptureFiles(
        photos=photos,
        masks=_find_masks([p for p in files if folder / "masks" in p.parents], folder, photos),
        rig=_find_rig(folder, files),
        truth={path.name: path for path in files if path.parent == folder / "truth"},
        odd={each.item_id: each.reason for each in odd},
    )


def fingerprint(folder: Path) -> str:
    """Digest names, sizes and times of a capture's files: equal as long as none is touched.

    Raises:
        DataError: The folder can't be read, or holds far too much.
    """
    digest = hashlib.sha256()
    for path in files_below(folder, max_entries=MAX_FILES)[0]:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(f"{path}: can't be read: {error.strerror}; try again") from error
        line = f"{path.relative_to(folder).as_posix()}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
        if is_heic(path.name) and reads_heic():  # once it can be read, the capture is another
            line = f"read {line}"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


class _Search:
    """A walk through folders of captures that comes to an end."""

    def __init__(self, root: Path) -> None:
        self.odd: list[Skipped] = []
        self._root = root
        self._num_seen = 0

    def folders(self, folder: Path, depth: int) -> Iterator[Path]:
        """Folders that are captures, or are to be told that they are none."""
        for path in self.entries(folder):
            if path.name in _NOT_CAPTURES or not path.is_dir():
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
            yield from inner or [path]

    def entries(self, folder: Path) -> list[Path]:
        """What a folder holds, in order, but for what is hidden.

        Raises:
            DataError: It can't be read, or there was too much already.
        """
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
        return [folder / name for name in sorted(names) if not is_clutter(name)]

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


def _may_be_photo(path: Path, within: Path) -> bool:
    return is_photo(path.name) if path.parent == within else within in path.parents


def _ignored(paths: Sequence[Path], folder: Path) -> list[Skipped]:
    """Pictures that can't be read, but for those that lie there as photos too (raw + JPEG)."""
    known = {path.with_suffix("") for path in paths if is_photo(path.name)}
    ignored = []
    for path in paths:
        reason = why_ignored(path.name)
        if reason is not None and path.with_suffix("") not in known:
            name = path.relative_to(folder).as_posix()
            _LOG.warning("%s: %s is left out: %s", folder, name, reason)
            ignored.append(Skipped(item_id=name, reason=reason))
    return ignored


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


def _also(odd: Sequence[Skipped]) -> str:
    """What else there was, for a message."""
    first = f"; {odd[0].item_id} is left out: {odd[0].reason}" if odd else ""
    return f"{first}, and {len(odd) - 1} more" if len(odd) > 1 else first


def _by_name(paths: Iterable[Path], within: Path) -> dict[str, Path]:
    photos: dict[str, Path] = {}
    for path in paths:
        name = path.relative_to(within).with_suffix("").as_posix()
        if name in photos:
            raise DataError(
                f"{within}: two photos have the name {name!r}, {photos[name].name} and "
                f"{path.name}; expected one per camera: remove or rename one."
            )
        photos[name] = path
    return photos


def _find_masks(files: Iterable[Path], folder: Path, photos: Mapping[str, Path]) -> dict[str, Path]:
    masks = {}
    for path in files:
        name = path.relative_to(folder / "masks").with_suffix("").as_posix()
        if name not in photos and is_photo(name):
            name = os.path.splitext(name)[0]  # noqa: PTH122
        if name in photos:
            masks[name] = path
        else:
            _LOG.warning("%s: the mask belongs to no photo and is ignored", path)
    return masks


def _find_rig(folder: Path, files: Sequence[Path]) -> Path | None:
    holding = {path.parent for path in files}
    rigs = [folder / name for name in _RIG_FOLDERS if folder / name in holding]
    rigs.extend(p for p in files if p.parent == folder and p.suffix.lower() == ".pto")
    if len(rigs) > 1:
        raise DataError(
            f"{folder}: expected one rig, found {' and '.join(path.name for path in rigs)}; "
            "keep the one that belongs to these photos."
        )
    return rigs[0] if rigs else None
