"""What the stages after `ingest` read of a capture: photos, masks, rig, truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.core.refs import FileRef
from tasks.panorama.manifests import CaptureRecord
from tasks.panorama.photos import read_mask, read_photo
from tasks.panorama.rig_files.rig_json import read_rig_json
from tasks.panorama.types import BoolArray, ByteImage, Rig

Fetch = Callable[[FileRef], Path]


def read_images(capture: CaptureRecord, fetch: Fetch) -> list[ByteImage]:
    """Pixels of all photos, (height, width, 3) BGR each, in the order of the rig's cameras.

    Args:
        capture: The capture.
        fetch: Gives a local path of a file: ``folder.fetch`` or ``ctx.store.fetch``.
    """
    return [read_photo(fetch(image.file), image.orientation) for image in capture.images]


def read_masks(capture: CaptureRecord, fetch: Fetch) -> list[BoolArray | None]:
    """Where each photo may be used, (height, width); None where it may be used everywhere."""
    return [
        None if image.mask is None else read_mask(fetch(image.mask), image.orientation)
        for image in capture.images
    ]


def read_rig(capture: CaptureRecord, fetch: Fetch) -> Rig:
    """The capture's rig; its cameras are in the order of the images."""
    return read_rig_json(fetch(capture.rig))


def truth_folder(capture: CaptureRecord, fetch: Fetch) -> Path | None:
    """The folder of a simulated capture, which holds ``truth/``; None for a real one."""
    paths = [fetch(file) for file in capture.truth.values()]
    return paths[0].parent.parent if paths else None
