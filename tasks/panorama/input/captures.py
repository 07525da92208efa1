"""Captures in folders: which there are, and what lies in one.

A capture is a folder with

- ``images/`` with 2 to 30 photos (or the photos lie in the folder itself); a camera's name is
  its photo's path below ``images/`` without ending;
- one rig, or none: a COLMAP text model in ``sparse/`` (``sparse/0/``) or ``rig/``, or a Hugin
  project ``*.pto``. Without a rig the photos are calibrated from their content;
- ``masks/``, optional: ``<name>.png`` or, as COLMAP has it, ``<name>.jpg.png``; a pixel of the
  photo is used where its mask is not black;
- ``truth/``, optional: what a simulated capture really was.

A folder of captures may hold further folders of captures. Names that begin with a dot are
ignored.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError
from tasks.panorama.input.photos import SUFFIXES
from tasks.panorama.input.rig_files.checks import MAX_CAMERAS, MIN_CAMERAS

_LOG = logging.getLogger(__name__)
_RIG_FOLDERS = ("sparse", "sparse/0", "rig")
_NOT_CAPTURES = frozenset({"images", "masks", "truth", "sparse", "rig"})
_MAX_DEPTH = 4


@dataclass(frozen=True)
class CaptureFiles:
    """The files of one capture.

    Attributes:
        photos: Path of each photo by name, in order.
        masks: Path of each mask by the name of its photo.
        rig: Folder of a COLMAP model or path of a Hugin project; None without a rig.
        truth: Files of ``truth/`` by name.
    """

    photos: Mapping[str, Path]
    masks: Mapping[str, Path]
    rig: Path | None
    truth: Mapping[str, Path]


def find_captures(root: Path) -> dict[str, Path]:
    """Find the captures of a folder.

    Args:
        root: A capture, or a folder of captures.

    Returns:
        Folder of each capture by id, in order: the folder's name, or its path below `root`
        joined with dashes. An empty folder counts as a capture: a bad one.

    Raises:
        DataError: `root` does not exist, can't be read or holds nothing.
    """
    if not root.exists():
        raise DataError(f"{root}: expected a folder with captures, but it does not exist.")
    if not root.is_dir():
        raise DataError(f"{root}: expected a folder with captures, found a file.")
    if _is_capture(root):
        return {root.name: root}
    captures: dict[str, Path] = {}
    for folder in _capture_folders(root, depth=1):
        capture_id = "-".join(folder.relative_to(root).parts)
        if capture_id in captures:
            raise DataError(
                f"{folder} and {captures[capture_id]} would both be named {capture_id!r}; "
                "rename one of them."
            )
        captures[capture_id] = folder
    if not captures:
        raise DataError(
            f"{root}: expected photos, or folders with photos, found none. A capture is a folder "
            "with images/ and, if known, its rig."
        )
    return captures


def survey(folder: Path) -> CaptureFiles:
    """List the files of a capture.

    Raises:
        DataError: There are not 2 to 30 photos, two have one name, or it has several rigs.
    """
    images = folder / "images"
    within = images if images.is_dir() else folder
    files = _files_below(images) if images.is_dir() else _entries(folder)
    photos = _by_name((path for path in files if _is_photo(path)), within)
    if not MIN_CAMERAS <= len(photos) <= MAX_CAMERAS:
        raise DataError(
            f"{within}: expected {MIN_CAMERAS} to {MAX_CAMERAS} photos "
            f"({', '.join(sorted(SUFFIXES))}), found {len(photos)}."
        )
    truth = folder / "truth"
    return CaptureFiles(
        photos=photos,
        masks=_find_masks(folder / "masks", photos),
        rig=_find_rig(folder),
        truth={path.name: path for path in _entries(truth)} if truth.is_dir() else {},
    )


def fingerprint(folder: Path) -> str:
    """Digest names, sizes and times of a capture's files: equal as long as none is touched.

    Raises:
        DataError: The folder can't be read.
    """
    digest = hashlib.sha256()
    for path in _files_below(folder):
        stat = path.stat()
        line = f"{path.relative_to(folder).as_posix()}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_capture(folder: Path) -> bool:
    return (folder / "images").is_dir() or any(map(_is_photo, _entries(folder)))


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _capture_folders(folder: Path, depth: int) -> Iterator[Path]:
    for path in _entries(folder):
        if not path.is_dir() or path.name in _NOT_CAPTURES:
            continue
        if _is_capture(path) or depth == _MAX_DEPTH:
            yield path
            continue
        inner = list(_capture_folders(path, depth + 1))
        yield from inner or [path]


def _entries(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{folder}: expected a readable folder: {error.strerror}; check its permissions."
        ) from error
    return [path for path in paths if not path.name.startswith(".")]


def _files_below(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_dir():
            yield from _files_below(path)
        elif path.is_file():
            yield path


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


def _find_masks(folder: Path, photos: Mapping[str, Path]) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    masks = {}
    for path in _files_below(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name not in photos and os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122
            name = os.path.splitext(name)[0]  # noqa: PTH122
        if name in photos:
            masks[name] = path
        else:
            _LOG.warning("%s: the mask belongs to no photo and is ignored", path)
    return masks


def _find_rig(folder: Path) -> Path | None:
    rigs = [
        folder / name
        for name in _RIG_FOLDERS
        if (folder / name).is_dir() and any(p.is_file() for p in _entries(folder / name))
    ]
    rigs.extend(path for path in _entries(folder) if path.suffix.lower() == ".pto")
    if len(rigs) > 1:
        raise DataError(
            f"{folder}: expected one rig, found {' and '.join(path.name for path in rigs)}; "
            "keep the one that belongs to these photos."
        )
    return rigs[0] if rigs else None
