"""Records that the stages of `restitch` pass on."""

from __future__ import annotations

from typing import Literal

from tasks.core.ports import Skipped
from tasks.core.records import Record
from tasks.core.refs import FileRef


class CaptureFolder(Record):
    """A user's folder with one capture, as it was found.

    Attributes:
        item_id: The capture's id.
        path: Absolute path of the folder.
        fingerprint: Changes when a file of the folder does.
    """

    schema_id = "panorama.capture_folder/1"

    item_id: str
    path: str
    fingerprint: str


class ImageRecord(Record):
    """A photo in use.

    Attributes:
        name: Name of its camera in the rig.
        file: The user's own file.
        orientation: EXIF orientation (1 to 8) to apply to the stored pixels.
        width_px: Width after that; equal to the camera's.
        height_px: Height after that.
        mask: The user's mask, to which the same orientation applies; None without one.
    """

    schema_id = "panorama.image/1"

    name: str
    file: FileRef
    orientation: int
    width_px: int
    height_px: int
    mask: FileRef | None


class LeftOut(Record):
    """A photo that is not stitched, and why."""

    schema_id = "panorama.left_out/1"

    name: str
    reason: str


class CaptureRecord(Record):
    """A capture that can be stitched.

    Attributes:
        item_id: The capture's id.
        images: Its photos, in the order of the rig's cameras.
        rig: The rig, as `tasks.panorama.rig_files.rig_json` writes it.
        rig_source: Where the rig came from.
        left_out: Photos that do not hang together with the others.
        calibration: Figures of the calibration from photos; empty where a rig was given.
        contact_sheet: A picture of all photos, small.
        truth: The files that say what a simulated capture really was, by name.
    """

    schema_id = "panorama.capture/1"

    item_id: str
    images: tuple[ImageRecord, ...]
    rig: FileRef
    rig_source: Literal["colmap", "hugin", "photos"]
    left_out: tuple[LeftOut, ...]
    calibration: dict[str, float]
    contact_sheet: FileRef
    truth: dict[str, FileRef]


class CaptureSet(Record):
    """A group of captures.

    Attributes:
        captures: What can be stitched.
        skipped: Captures that can't be used, with reasons; all of them in the first group.
    """

    schema_id = "panorama.captures/1"

    captures: tuple[CaptureRecord, ...]
    skipped: tuple[Skipped, ...]
