"""What lies in the folder of a capture.

A capture is a folder with

- ``images/`` with 2 to 100 photos (or the photos lie in the folder itself, or in a folder for each
  camera); a camera's name is its photo's path below ``images/`` without ending;
- one rig, or none: a COLMAP text model in ``sparse/`` (``sparse/0/``) or ``rig/``, or a Hugin
  project ``*.pto``. Without a rig the photos are calibrated from their content;
- ``masks/``, optional: ``<name>.png`` or, as COLMAP has it, ``<name>.jpg.png``; a pixel of the
  photo is used where its mask is not black;
- ``truth/``, optional: what a simulated capture really was.

Clutter, such as names that begin with a dot, is ignored. Links are followed to files of the same
capture alone: what lies elsewhere was not named.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.ports import Skipped
from tasks.intake.folders import files_below
from tasks.panorama.input.formats import (
    FORMATS,
    is_from_camera,
    is_heic,
    is_photo,
    reads_heic,
    why_ignored,
)
from tasks.panorama.input.rig_files import colmap, hugin
from tasks.panorama.input.rig_files.camera_folders import frames_in
from tasks.panorama.input.rig_files.checks import MAX_CAMERAS, MIN_CAMERAS

MAX_FILES = 20_000  # of one capture
_LOG = logging.getLogger(__name__)
RIG_FOLDERS = ("sparse", "sparse/0", "rig")
NO_CAMERAS = frozenset({"images", "masks", "truth", "sparse", "rig"})
# Without what lies there, the panorama would be another one.
_DECISIVE = frozenset({"masks", "sparse", "rig"})


@dataclass(frozen=True)
class CaptureFiles:
    """The files of one capture.

    Attributes:
        photos: Path of each photo by name, in order.
        masks: Path of each mask by the name of its photo.
        rig: Folder of a COLMAP model or path of a Hugin project; None without a rig.
        truth: Files of ``truth/`` by name.
        odd: Why others that lie among photos and masks are not used, by their paths in the capture.
        frame: Name of the photos in their cameras' folders, where the folder holds several
            frames; else empty.
    """

    photos: Mapping[str, Path]
    masks: Mapping[str, Path]
    rig: Path | None
    truth: Mapping[str, Path]
    odd: Mapping[str, str]
    frame: str = ""


def survey(folder: Path, frame: str = "") -> CaptureFiles:
    """List the files of a capture.

    Args:
        folder: Where it lies.
        frame: Which of several frames to take; empty for all photos.

    Raises:
        DataError: There are not 2 to 100 photos, two have one name, it has several rigs, or a rig
            or mask that can't be read.
    """
    files, odd = _listed(folder)
    for each in odd:
        _LOG.warning("%s: %s is left out: %s", folder, each.item_id, each.reason)
    within, nearby = _among_photos(files, folder)
    masks, stray = _find_masks(files, folder, {_name(path, within) for path in nearby})
    nearby = [path for path in nearby if concerns(path.name, frame)]
    photos = _by_name((path for path in nearby if is_photo(path.name)), within)
    odd = [each for each in odd if _may_be_photo(folder / each.item_id, within)]
    odd += [*_ignored(nearby, folder), *stray]
    rig = find_rig(folder, files)
    # One picture may be that of several cameras, as a project says.
    fewest = 1 if rig is not None and rig.suffix.lower() == ".pto" else MIN_CAMERAS
    if not fewest <= len(photos) <= MAX_CAMERAS:
        raise DataError(
            f"{within}: expected {fewest} to {MAX_CAMERAS} photos ({FORMATS}), found "
            f"{len(photos)}{_also(odd)}."
        )
    return CaptureFiles(
        photos=photos,
        masks={name: path for name, path in masks.items() if name in photos},
        rig=rig,
        truth={path.name: path for path in files if path.parent == folder / "truth"},
        odd={each.item_id: each.reason for each in odd},
        frame=frame,
    )


def frames_of(folder: Path) -> tuple[str, ...]:
    """Names of the frames that a capture's folder holds, as its rig says.

    Returns:
        The names, sorted; empty where the photos are one exposure, and where this can't be told:
        then `survey` or who reads the rig says why.
    """
    try:
        if not any(_may_be_rig(path.name) for path in folder.iterdir()):
            return ()  # without a look at all files, as of most captures
        files, _ = _listed(folder)
        rig = find_rig(folder, files)
        within, nearby = _among_photos(files, folder)
        photos = list(_by_name((path for path in nearby if is_photo(path.name)), within))
        if rig is None:
            return ()
        read = hugin.camera_views if rig.is_file() else colmap.camera_views
        return frames_in(read(rig, photos), photos)
    except (DataError, OSError):
        return ()


def _may_be_rig(name: str) -> bool:
    return name in ("sparse", "rig") or name.lower().endswith(".pto")


def _listed(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """Files of a capture, and what is odd among them and may be done without."""
    files, odd = files_below(folder, max_entries=MAX_FILES)
    for each in odd:
        place = Path(each.item_id)
        if place.parts[0] in _DECISIVE or place.suffix.lower() == ".pto":
            raise DataError(f"{folder / each.item_id}: {each.reason}.")
    return files, odd


def concerns(name: str, frame: str) -> bool:
    """Whether a file of a capture counts for a frame: not if it is a picture of another."""
    if not frame or not is_from_camera(name):
        return True
    stem = Path(name).stem
    return frame in (stem, Path(stem).stem)  # masks may be called a.jpg.png


def fingerprints(folder: Path, frames: Sequence[str] = ("",)) -> dict[str, str]:
    """Digest names, sizes and times of a capture's files: equal as long as none is touched.

    Args:
        folder: Where it lies.
        frames: Its frames; the empty name stands for all files.

    Returns:
        The digest of each frame.

    Raises:
        DataError: The folder can't be read, or holds far too much.
    """
    shared: list[str] = []
    of_frame: dict[str, list[str]] = {frame: [] for frame in frames}
    for path in files_below(folder, max_entries=MAX_FILES)[0]:
        line = _stamp(path, folder)
        if "" in of_frame or not is_from_camera(path.name):
            shared.append(line)
            continue
        for frame in {path.stem, Path(path.stem).stem} & of_frame.keys():
            of_frame[frame].append(line)
    digests = {}
    for frame, lines in of_frame.items():
        text = "".join((*shared, *lines))
        digests[frame] = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return digests


def _stamp(path: Path, folder: Path) -> str:
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}; try again") from error
    # Once HEIC can be read, the capture is another.
    begin = "read " if is_heic(path.name) and reads_heic() else ""
    name = path.relative_to(folder).as_posix()
    return f"{begin}{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n"


def _among_photos(files: Sequence[Path], folder: Path) -> tuple[Path, list[Path]]:
    """The folder below which photos have their names, and the files that lie among them."""
    images = folder / "images"
    if images.is_dir():
        return images, [path for path in files if images in path.parents]
    nearby = [path for path in files if path.parent == folder]
    if not any(is_from_camera(path.name) for path in nearby):
        nearby = [
            path
            for path in files
            if path.parent.parent == folder and path.parent.name not in NO_CAMERAS
        ]
    return folder, nearby


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


def _also(odd: Sequence[Skipped]) -> str:
    """What else there was, for a message."""
    first = f"; {odd[0].item_id} is left out: {odd[0].reason}" if odd else ""
    return f"{first}, and {len(odd) - 1} more" if len(odd) > 1 else first


def _by_name(paths: Iterable[Path], within: Path) -> dict[str, Path]:
    photos: dict[str, Path] = {}
    for path in paths:
        name = _name(path, within)
        if name in photos:
            raise DataError(
                f"{within}: two photos have the name {name!r}, {photos[name].name} and "
                f"{path.name}; expected one per camera: remove or rename one."
            )
        photos[name] = path
    return photos


def _name(path: Path, within: Path) -> str:
    return path.relative_to(within).with_suffix("").as_posix()


def _find_masks(
    files: Iterable[Path], folder: Path, photos: Collection[str]
) -> tuple[dict[str, Path], list[Skipped]]:
    """Masks by the names of their photos, of all frames, and those that belong to none."""
    masks, stray = {}, []
    for path in files:
        if folder / "masks" not in path.parents:
            continue
        name = _name(path, folder / "masks")
        if name not in photos and is_photo(name):
            name = os.path.splitext(name)[0]  # noqa: PTH122
        if name in photos:
            masks[name] = path
        else:
            reason = "it masks nothing, for no photo has its name; rename it"
            stray.append(Skipped(item_id=path.relative_to(folder).as_posix(), reason=reason))
    return masks, stray


def find_rig(folder: Path, files: Sequence[Path]) -> Path | None:
    """The rig among a capture's files: folder of a COLMAP model or path of a Hugin project.

    Raises:
        DataError: There are several.
    """
    holding = {path.parent for path in files}
    rigs = [folder / name for name in RIG_FOLDERS if folder / name in holding]
    rigs.extend(p for p in files if p.parent == folder and p.suffix.lower() == ".pto")
    if len(rigs) > 1:
        raise DataError(
            f"{folder}: expected one rig, found {' and '.join(path.name for path in rigs)}; "
            "keep the one that belongs to these photos."
        )
    return rigs[0] if rigs else None
