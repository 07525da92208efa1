"""Captures in an object store: found by the names of their files, fetched one by one.

Who looks for captures sees the names alone, as empty files; a worker fetches the capture that it
checks. What the store says of the files, and not a time, stands for their content until then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from tasks.core.errors import DataError, PassingError
from tasks.core.outside.stored import StoredFile, StoredFolder, fingerprint
from tasks.core.ports import Skipped
from tasks.panorama.input.captures import MAX_FILES as MAX_CAPTURE_FILES
from tasks.panorama.input.captures import concerns, frames_of
from tasks.panorama.input.formats import is_photo
from tasks.panorama.input.rig_files.checks import MAX_RIG_BYTES
from tasks.panorama.input.search import find_captures, frame_id
from tasks.panorama.manifests import CaptureFolder

MAX_FILES = 1_000_000
MAX_CAPTURE_BYTES = 50_000_000_000

_LOG = logging.getLogger(__name__)


class StoredCaptures:
    """The captures below one folder of a store."""

    def __init__(self, uri: str) -> None:
        """List the folder.

        Args:
            uri: A capture, or a folder of captures.

        Raises:
            DataError: It holds nothing, or far too much.
            ResourceError: The store refuses access.
            TransientError: It can't be reached.
        """
        self._folder = StoredFolder(uri.rstrip("/"))
        self._files = self._folder.files(MAX_FILES)
        if not self._files:
            raise DataError(f"{uri}: expected a folder with captures, found nothing.")
        for name, reason in self._folder.odd.items():
            _LOG.warning("%s/%s is left out: %s", uri, name, reason)

    def find(self, scratch: Path) -> list[CaptureFolder | Skipped]:
        """Return the captures, and those that can't be captures, with the reason.

        Args:
            scratch: A folder that is to be made, for the names of the files.

        Raises:
            DataError: There is none, or far too much.
        """
        outline = self._outline(scratch)
        try:
            folders, odd = find_captures(outline)
        except DataError as error:
            raise DataError(str(error).replace(str(outline), self._folder.uri)) from error
        skipped = [
            Skipped(item_id=e.item_id, reason=e.reason.replace(str(outline), self._folder.uri))
            for e in odd
        ]
        places = {path.relative_to(outline): name for name, path in folders.items()}
        files: dict[Path, dict[str, StoredFile]] = {place: {} for place in places}
        for name, file in self._files.items():  # once, however many captures there are
            for place in Path(name).parents:
                if place in files:
                    files[place][Path(name).relative_to(place).as_posix()] = file
                    break
        found = [
            each
            for place, name in places.items()
            for each in self._captures(name, place, files[place], outline / place)
        ]
        return [*found, *skipped]

    def _outline(self, scratch: Path) -> Path:
        """Lay the names out on this disk, as empty files, in a folder that bears ours."""
        scratch.mkdir()
        outline = scratch.resolve() / self._folder.uri.rpartition("/")[2]
        for name in self._files:
            path = outline / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return outline

    def _captures(
        self, item_id: str, place: Path, files: Mapping[str, StoredFile], outline: Path
    ) -> list[CaptureFolder]:
        """A capture, or each of its frames."""
        folder = self._folder.below(place.as_posix() if place.parts else "")
        frames: tuple[str, ...] = ()
        if rig := _rig_of_frames(files):
            for name in rig:
                folder.fetch(name, files[name], outline / name)
            frames = frames_of(outline)
        return [
            CaptureFolder(
                item_id=frame_id(item_id, frame, frames),
                path=folder.uri,
                fingerprint=fingerprint(_of_frame(files, frame)),
                frame=frame,
            )
            for frame in frames or ("",)
        ]


def _rig_of_frames(files: Mapping[str, StoredFile]) -> list[str]:
    """Files of the rig of a capture that may hold several frames; none of others."""
    texts = [
        name
        for name, file in files.items()
        if name.endswith((".pto", "cameras.txt", "rigs.txt", "frames.txt", "images.txt"))
        and file.num_bytes <= MAX_RIG_BYTES
    ]
    folders = {Path(name).parent for name in files if is_photo(name)}
    is_project = any(name.endswith(".pto") for name in texts)
    return texts if is_project or len(folders) > 1 else []


def _of_frame(files: Mapping[str, StoredFile], frame: str) -> dict[str, StoredFile]:
    return {name: file for name, file in files.items() if concerns(name, frame)}


def fetch_capture(item: CaptureFolder, target: Path) -> None:
    """Copy a capture into a folder of this disk.

    Args:
        item: A capture that `StoredCaptures` found.
        target: The folder.

    Raises:
        PassingError: A file was changed since.
        DataError: They are too many or too large.
        ResourceError: The store refuses access.
        TransientError: It can't be reached.
    """
    folder = StoredFolder(item.path)
    files = _of_frame(folder.files(MAX_CAPTURE_FILES), item.frame)
    if fingerprint(files) != item.fingerprint:
        raise PassingError(f"{item.path} was changed after it was found; run again")
    num_bytes = sum(file.num_bytes for file in files.values())
    if num_bytes > MAX_CAPTURE_BYTES:
        raise DataError(
            f"{item.path}: expected a capture of at most {MAX_CAPTURE_BYTES:,} bytes, got "
            f"{num_bytes:,}; name the folder that holds the captures"
        )
    for name, file in files.items():
        folder.fetch(name, file, target / name)
