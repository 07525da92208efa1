"""Records that the stages of `restitch` pass on."""

from __future__ import annotations

from typing import Any

from tasks.core.ports import Skipped
from tasks.core.records import FileRef, Record
from tasks.panorama.check_records import CaptureCheck, OverlapVerdict, Verdict
from tasks.panorama.config import SolveConfig
from tasks.panorama.photo_records import Origin, PhotoFacts
from tasks.panorama.views import SphereView


class CaptureFolder(Record):
    """A user's folder with one capture, or one frame of several in it, as it was found.

    Attributes:
        item_id: The capture's id.
        path: Its absolute path, or its address in an object store.
        fingerprint: Changes when a file of the capture does.
        frame: Name of its photos in their cameras' folders, where the folder holds several
            frames; else empty.
    """

    schema_id = "panorama.capture_folder/2"

    item_id: str
    path: str
    fingerprint: str
    frame: str = ""


class ImageRecord(Record):
    """A photo in use.

    Attributes:
        name: Name of its camera in the rig.
        file: The user's own file.
        orientation: EXIF orientation (1 to 8) to apply to the stored pixels.
        width_px: Width after that; equal to the camera's.
        height_px: Height after that.
        mask: Where it may be used, turned likewise: what mask file, alpha channel and project
            say together; None for everywhere.
        facts: What it says of where, when and by whom it was taken.
    """

    schema_id = "panorama.image/3"

    name: str
    file: FileRef
    orientation: int
    width_px: int
    height_px: int
    mask: FileRef | None
    facts: PhotoFacts = PhotoFacts()


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
        rig: The rig, as `tasks.panorama.input.rig_files.rig_json` writes it.
        left_out: Photos that do not hang together with the others, or can't be read.
        contact_sheet: A picture of all photos, small.
        truth: The files that say what a simulated capture really was, by name.
        check: Whether its photos and its rig belong together.
        origin: What the catalogue says of it.
        forward_deg: How far right of the panorama's middle that lies which lay there as the rig was
            given.
    """

    schema_id = "panorama.capture/4"

    item_id: str
    images: tuple[ImageRecord, ...]
    rig: FileRef
    left_out: tuple[LeftOut, ...]
    contact_sheet: FileRef
    truth: dict[str, FileRef]
    check: CaptureCheck
    origin: Origin
    forward_deg: float = 0.0


class CaptureSet(Record):
    """A group of captures.

    Attributes:
        captures: What can be stitched.
        skipped: Captures that can't be used, with reasons; all of them in the first group.
        settings: Sections of the pipeline's settings that this stage and those before it were
            given, for the report.
    """

    schema_id = "panorama.captures/4"

    captures: tuple[CaptureRecord, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]


class RenderRecord(Record):
    """A capture's panorama, as it is published, and how it compares.

    Attributes:
        item_id: The capture's id.
        verdict: What the capture and its panorama are worth, whatever was published.
        doubts: Why it isn't ``good``.
        overlaps: What each overlap is worth, as it is published.
        published: The way that was chosen: ``unrepaired``, ``recalibrated``, ``warped`` or
            ``refitted``.
        is_repaired: Whether that is a repair.
        reasons: Why repairs were refused.
        warnings: What is unusual about the published way: overlaps that are held, photos that it
            was made without.
        figures: Figures of each way by name, on seams that are the same for all of them.
        published_figures: Figures of the published picture itself, on its own seams.
        width_px: Width of the whole panorama.
        panorama: The published panorama, JPEG with GPano metadata, cropped to what is covered.
        before: The unrepaired stitch, at half the width.
        before_after: Crops at the worst seams above the whole picture.
        crops: The same crops one by one, before and after side by side, the worst first.
        quality: All of this as JSON.
        flow: Picture of the flow in the overlaps, if there is one.
        view: What a viewer shows over the panorama.
        origin: What the catalogue says of the capture.
    """

    schema_id = "panorama.render/4"

    item_id: str
    verdict: Verdict
    doubts: tuple[str, ...]
    overlaps: tuple[OverlapVerdict, ...]
    published: str
    is_repaired: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    figures: dict[str, dict[str, float]]
    published_figures: dict[str, float]
    width_px: int
    panorama: FileRef
    before: FileRef
    before_after: FileRef
    crops: tuple[FileRef, ...]
    quality: FileRef
    flow: FileRef | None
    view: SphereView
    origin: Origin


class RenderSet(Record):
    """A group of rendered captures.

    Attributes:
        captures: The panoramas.
        skipped: Captures that this stage or one before it could not use, with reasons.
        settings: Sections of the pipeline's settings that this stage and those before it were
            given, for the report.
    """

    schema_id = "panorama.renders/4"

    captures: tuple[RenderRecord, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]


class PublishedCapture(Record):
    """One capture of a publication: verdict, figures and files, for tables and tools."""

    schema_id = "panorama.published_capture/2"

    item_id: str
    verdict: Verdict
    doubts: tuple[str, ...]
    published: str
    is_repaired: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    before: dict[str, float]
    after: dict[str, float]
    panorama: FileRef
    before_after: FileRef
    quality: FileRef


class Publication(Record):
    """The end of a run: what was published, and the report.

    Attributes:
        captures: All captures of all groups, by id.
        skipped: Captures that could not be used, with reasons.
        num_repaired: How many are published repaired.
        num_kept: How many are published as they were.
        num_suspect: How many are ``suspect``.
        num_rejected: How many are ``rejected``.
        figures: Means over the captures.
        report: Self-contained HTML page.
        viewer: Another one, in which one looks around in the panoramas.
        contact_sheet: Before and after at the worst seams of all captures.
        catalogue: The run's captures as a table, Parquet.
        exported_to: Folder with readable copies; empty if there is none.
    """

    schema_id = "panorama.publication/3"

    captures: tuple[PublishedCapture, ...]
    skipped: tuple[Skipped, ...]
    num_repaired: int
    num_kept: int
    num_suspect: int
    num_rejected: int
    figures: dict[str, float]
    report: FileRef
    viewer: FileRef
    contact_sheet: FileRef | None
    catalogue: FileRef
    exported_to: str


class MatchRecord(Record):
    """The matches of a capture.

    Attributes:
        item_id: The capture's id.
        capture: The capture.
        correspondences: All matches, Parquet.
        flow: Picture of the flow in the overlaps with most matches; None where there is none.
        figures: ``num_matches``, ``num_held_out``, ``num_overlaps``,
            ``num_overlaps_without_matches``.
    """

    schema_id = "panorama.match/2"

    item_id: str
    capture: CaptureRecord
    correspondences: FileRef
    flow: FileRef | None
    figures: dict[str, float]


class MatchSet(Record):
    """A group of matched captures.

    Attributes:
        captures: The matches.
        skipped: Captures that this stage or one before it could not use, with reasons.
        settings: Sections of the pipeline's settings that this stage and those before it were
            given, for the report.
    """

    schema_id = "panorama.matches/2"

    captures: tuple[MatchRecord, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]


class WarpRecord(Record):
    """What was fitted to the matches of a capture.

    Attributes:
        item_id: The capture's id.
        capture: The capture.
        correspondences: All matches, Parquet.
        rig: The recalibrated rig.
        fields: One warp field per image, npz.
        baseline_fields: Those of kernel interpolation; None unless asked for.
        photometry: Gains and falloff, JSON.
        flow: Picture of the flow; None where there is none.
        figures: Misalignment of each way on fitted and held-out matches, and the size and shape
            of the warp.
        warnings: What is unusual.
        settings: What it was fitted with, for whoever fits it again.
    """

    schema_id = "panorama.warp/3"

    item_id: str
    capture: CaptureRecord
    correspondences: FileRef
    rig: FileRef
    fields: FileRef
    baseline_fields: FileRef | None
    photometry: FileRef
    flow: FileRef | None
    figures: dict[str, float]
    warnings: tuple[str, ...]
    settings: SolveConfig


class WarpSet(Record):
    """A group of solved captures.

    Attributes:
        captures: What was fitted.
        skipped: Captures that this stage or one before it could not use, with reasons.
        settings: Sections of the pipeline's settings that this stage and those before it were
            given, for the report.
    """

    schema_id = "panorama.warps/3"

    captures: tuple[WarpRecord, ...]
    skipped: tuple[Skipped, ...]
    settings: dict[str, Any]
